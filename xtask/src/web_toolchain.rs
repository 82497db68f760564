//! A rustc that builds for the browser: the one that rustup installs, or Debian's if rustup
//! reaches no server.
//!
//! Debian's packages of rustc for the web are unpacked and not installed, because installing them
//! would replace rustup's rustc.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::step::{cargo, output, root, say, target_directory};

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Names one of the two, for those who do not want the other: `rustup` or `debian`.
const CHOICE: &str = "WASM_TOOLCHAIN";

/// For so long rustup may try to download the target. Where a network swallows its packets, it
/// would try for minutes.
const RUSTUP_MAY_TAKE: Duration = Duration::from_secs(90);

/// What builds for the browser.
#[derive(Debug)]
pub(crate) enum Toolchain {
    /// The rustc of `rust-toolchain.toml`, with the target's standard library.
    Rustup,
    /// Debian's `rustc-web`, unpacked; the standard library is built from its source.
    Debian(Debian),
}

/// Where Debian's packages are unpacked.
#[derive(Debug)]
pub(crate) struct Debian {
    folder: PathBuf,
    /// The version of LLVM that its rustc needs.
    llvm: String,
}

impl Toolchain {
    /// The one that is there already, if any; nothing is downloaded.
    pub(crate) fn present() -> Option<Self> {
        let choice = std::env::var(CHOICE).unwrap_or_default();
        let rustup = || (choice != "debian" && rustc_has_target()).then_some(Self::Rustup);
        let debian = || (choice != "rustup").then(Debian::unpacked).flatten().map(Self::Debian);
        rustup().or_else(debian)
    }

    /// The one that is there, or one that is downloaded now.
    pub(crate) fn get() -> Result<Self, String> {
        if let Some(present) = Self::present() {
            return Ok(present);
        }
        let mut attempts = Vec::new();
        let choice = std::env::var(CHOICE).unwrap_or_default();
        if choice != "debian" {
            match add_target() {
                Ok(()) => return Ok(Self::Rustup),
                Err(error) => attempts.push(format!("rustup: {error}")),
            }
        }
        if choice != "rustup" {
            match Debian::download() {
                Ok(debian) => return Ok(Self::Debian(debian)),
                Err(error) => attempts.push(format!("Debian's packages: {error}")),
            }
        }
        Err(format!(
            "there is no rustc here that builds for {TARGET}:\n  {}\nInstall it with `rustup target add {TARGET}`.",
            attempts.join("\n  ")
        ))
    }

    /// Whether `cargo clippy` works with it.
    pub(crate) fn has_clippy(&self) -> bool {
        matches!(self, Self::Rustup)
    }

    /// A cargo command for the browser: `build` or `check`, to which a package is still to be
    /// added.
    pub(crate) fn cargo(&self, command: &str) -> Result<Command, String> {
        let mut cargo = cargo();
        cargo.args([command, "--target", TARGET]).env("CARGO_ENCODED_RUSTFLAGS", rustc_flags().join("\x1f"));
        if let Self::Debian(debian) = self {
            debian.set(&mut cargo)?;
        }
        Ok(cargo)
    }

    /// The folder of its builds. Two compilers in one folder would overwrite each other's work.
    pub(crate) fn target_dir(&self) -> PathBuf {
        match self {
            Self::Rustup => target_directory(),
            Self::Debian(debian) => debian.target_dir(),
        }
    }
}

/// What makes a bundle smaller, and keeps the paths of this machine out of it.
fn rustc_flags() -> Vec<String> {
    let mut flags = vec!["--cfg=sha2_backend_soft=\"compact\"".to_owned()];
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo"));
    if let Some(registry) = std::env::var_os("CARGO_HOME").map(PathBuf::from).or(home) {
        flags.push(format!("--remap-path-prefix={}=cargo", registry.display()));
    }
    flags.push(format!("--remap-path-prefix={}=.", root().display()));
    flags
}

fn rustc_has_target() -> bool {
    let mut rustc = Command::new("rustc");
    rustc.current_dir(root()).args(["--print", "target-libdir", "--target", TARGET]);
    output(&mut rustc).is_ok_and(|libraries| Path::new(libraries.trim()).is_dir())
}

fn add_target() -> Result<(), String> {
    say(&format!("rustup target add {TARGET}"));
    let mut rustup = Command::new("rustup")
        .current_dir(root())
        .args(["target", "add", TARGET])
        .stdin(Stdio::null())
        .spawn()
        .map_err(|error| format!("it cannot be started: {error}"))?;
    let started = Instant::now();
    let status = loop {
        match rustup.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() < RUSTUP_MAY_TAKE => std::thread::sleep(Duration::from_millis(100)),
            Ok(None) => {
                // It is given up; whether it is still there to be killed does not matter.
                let _ = rustup.kill();
                let _ = rustup.wait();
                return Err(format!("no answer for {} s", RUSTUP_MAY_TAKE.as_secs()));
            }
            Err(error) => return Err(format!("it cannot be waited for: {error}")),
        }
    };
    if !status.success() {
        return Err(format!("it ended with {status}"));
    }
    if rustc_has_target() { Ok(()) } else { Err("it added the target to another toolchain".to_owned()) }
}

impl Debian {
    /// The packages whose names carry no version.
    const PACKAGES: [&str; 3] = ["rustc-web", "libstd-rust-web-dev", "rust-web-src"];

    fn unpacked() -> Option<Self> {
        let folder = target_directory().join("wasm-toolchain");
        // Written last, so that an attempt that was broken off does not count.
        let llvm = std::fs::read_to_string(folder.join("llvm-version")).ok()?;
        Some(Self { folder, llvm })
    }

    fn download() -> Result<Self, String> {
        let folder = target_directory().join("wasm-toolchain");
        let (packages, unpacked) = (folder.join("packages"), folder.join("x"));
        std::fs::create_dir_all(&packages).map_err(|error| format!("{}: {error}", packages.display()))?;
        say("apt-get update, then apt-get download of Debian's rustc for the web (about 150 MB)");
        // Only root may, and perhaps the lists are new enough.
        let _ = output(Command::new("apt-get").args(["update", "-qq"]));
        let library = dependency("libstd-rust-web-dev", "libstd-rust-web-")?;
        let llvm = dependency(&library, "libllvm")?;
        let mut download = Command::new("apt-get");
        download
            .current_dir(&packages)
            .args(["download", "-qq"])
            .args(Self::PACKAGES)
            .args([&library, &llvm]);
        output(&mut download)?;
        for entry in std::fs::read_dir(&packages).map_err(|error| error.to_string())? {
            let package = entry.map_err(|error| error.to_string())?.path();
            say(&format!("unpacking {}", package.file_name().unwrap_or_default().display()));
            output(Command::new("dpkg").arg("-x").arg(&package).arg(&unpacked))?;
            // Half of the disk they take, and of no more use.
            std::fs::remove_file(&package).map_err(|error| format!("{}: {error}", package.display()))?;
        }
        let llvm = llvm.trim_start_matches("libllvm").to_owned();
        std::fs::write(folder.join("llvm-version"), &llvm).map_err(|error| error.to_string())?;
        Ok(Self { folder, llvm })
    }

    fn target_dir(&self) -> PathBuf {
        self.folder.join("target")
    }

    fn set(&self, cargo: &mut Command) -> Result<(), String> {
        let unpacked = self.folder.join("x/usr");
        let platform = format!("{}-linux-gnu", std::env::consts::ARCH);
        let libraries =
            [unpacked.join("lib").join(&platform), unpacked.join(format!("lib/llvm-{}/lib", self.llvm))];
        let libraries = std::env::join_paths(libraries).map_err(|error| error.to_string())?;
        // Debian's rustc comes without a linker for this target; the one of our own toolchain is
        // the same
        // program.
        let sysroot = output(Command::new("rustc").current_dir(root()).args(["--print", "sysroot"]))?;
        let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let linker = Path::new(sysroot.trim()).join("lib/rustlib").join(host).join("bin/rust-lld");
        cargo
            .arg("-Zbuild-std=std,panic_abort")
            .env("RUSTC", unpacked.join("bin/rustc"))
            .env("RUSTC_BOOTSTRAP", "1")
            .env("LD_LIBRARY_PATH", libraries)
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
            .env("CARGO_TARGET_DIR", self.target_dir());
        Ok(())
    }
}

/// The dependency of a Debian package whose name begins like this.
fn dependency(package: &str, beginning: &str) -> Result<String, String> {
    let depends = output(Command::new("apt-cache").args(["depends", package]))?;
    find_dependency(&depends, beginning)
        .map(str::to_owned)
        .ok_or_else(|| format!("the package {package} is not in the lists of apt, or needs no {beginning}*"))
}

fn find_dependency<'a>(depends: &'a str, beginning: &str) -> Option<&'a str> {
    let names = depends.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    names.map(str::trim).find(|name| name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versioned_package_is_found_among_the_dependencies() {
        let depends =
            "libstd-rust-web-1.96\n  Depends: libc6\n  Depends: libllvm22\n  Conflicts: <libllvm1>\n";
        assert_eq!(find_dependency(depends, "libllvm"), Some("libllvm22"));
        assert_eq!(find_dependency(depends, "libstd"), None);
    }
}
