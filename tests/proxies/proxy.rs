//! A running proxy: a process with a configuration in a folder of its own.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use distributed_scope::PeerId;

/// The time limit for a proxy to listen. Only a proxy that fails reaches it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ends when it is dropped.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    process: Child,
    folder: PathBuf,
}

/// A port that was free a moment ago: a proxy cannot say which one it has got.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A folder for what a proxy needs.
pub(crate) fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("proxies-{}", PeerId::random()));
    fs::create_dir(&folder).unwrap();
    folder
}

impl Proxy {
    /// Runs this command, in this folder, and waits until something listens at the port.
    pub(crate) fn run(folder: PathBuf, port: u16, program: &str, arguments: &[&str]) -> Self {
        let mut process = Command::new(program)
            .args(arguments)
            .current_dir(&folder)
            .env("HOME", &folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("stderr")).unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}; `cargo xtask test` installs it"));
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let said = || fs::read_to_string(folder.join("stderr")).unwrap();
            assert!(process.try_wait().unwrap().is_none(), "{program} has ended: {}", said());
            assert!(begun.elapsed() < PATIENCE, "{program} does not listen: {}", said());
            std::thread::sleep(Duration::from_millis(5));
        }
        Self { port, process, folder }
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // What stays is in a folder for temporary things.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// nginx with this as the content of its `http` block.
pub(crate) fn nginx(folder: PathBuf, port: u16, http: &str) -> Proxy {
    let here = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("{name}_temp_path {here}/{name};\n"))
        .collect();
    // One process, which ends with the signal that this one sends.
    let config = format!(
        "daemon off;\nmaster_process off;\nuser root;\npid {here}/pid;\nerror_log stderr;\nevents {{}}\n\
         http {{\naccess_log off;\n{temporary}{http}\n}}\n"
    );
    fs::write(folder.join("nginx.conf"), config).unwrap();
    let (config, prefix) = (format!("{here}/nginx.conf"), format!("{here}/"));
    Proxy::run(folder, port, "nginx", &["-e", "stderr", "-p", &prefix, "-c", &config])
}

/// A file of the guide.
pub(crate) fn snippet(name: &str) -> String {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("docs/proxies"));
    let folder = folders.into_iter().find(|folder| folder.exists()).expect("the workspace has it");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// The text, in which each of these is replaced by its value in a test.
pub(crate) fn replaced(mut text: String, changes: &[(&str, &str)]) -> String {
    for (from, to) in changes {
        assert!(text.contains(from), "{from} is not in the configuration:\n{text}");
        text = text.replace(from, to);
    }
    text
}
