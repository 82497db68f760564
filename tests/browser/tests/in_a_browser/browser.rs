//! Chromium, driven by its WebDriver.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use thirtyfour::prelude::*;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, MutexGuard};

/// One test with browsers at a time: running several at once is not faster on a small machine.
static ONE: Mutex<()> = Mutex::const_new(());

/// The arguments with which Chromium runs as root, without a screen and without requests of its
/// own.
const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];

/// The time limit of one operation of a page. Only a page that hangs reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Browser {
    driver: WebDriver,
    chromedriver: Arc<Chromedriver>,
    _profile: Profile,
}

/// The program that starts browsers and drives them. It ends with the last of them.
struct Chromedriver {
    port: String,
    _process: Child,
    _alone: MutexGuard<'static, ()>,
}

/// A folder for what the browser keeps, which is removed in the end.
struct Profile(std::path::PathBuf);

impl Drop for Profile {
    fn drop(&mut self) {
        // The browser may still be busy with it; what stays is in a folder for temporary things.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Chromedriver {
    async fn start() -> Self {
        let alone = ONE.lock().await;
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver is installed: Debian's packages are chromium and chromium-driver");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let port = loop {
            let line = lines.next_line().await.unwrap().expect("chromedriver says its port");
            if let Some(rest) = line.split("successfully on port ").nth(1) {
                break rest.trim_end_matches('.').to_owned();
            }
        };
        // What it says later goes nowhere, and must not fill the pipe.
        actix_web::rt::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { port, _process: process, _alone: alone }
    }
}

impl Browser {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same, with further arguments.
    pub(crate) async fn start_with(arguments: &[&str]) -> Self {
        Self::by(Arc::new(Chromedriver::start().await), arguments).await
    }

    /// One more, of another user: a process of its own, which shares nothing with the first one.
    #[allow(dead_code, reason = "the test of the shared list uses it")]
    pub(crate) async fn another(&self) -> Self {
        Self::by(Arc::clone(&self.chromedriver), &[]).await
    }

    async fn by(chromedriver: Arc<Chromedriver>, arguments: &[&str]) -> Self {
        static PROFILES: AtomicUsize = AtomicUsize::new(0);
        let number = PROFILES.fetch_add(1, Ordering::Relaxed);
        let profile = std::env::temp_dir().join(format!("browser-tests-{}-{number}", std::process::id()));
        let mut capabilities = DesiredCapabilities::chrome();
        for argument in ARGUMENTS.iter().chain(arguments) {
            capabilities.add_arg(argument).unwrap();
        }
        capabilities.add_arg(&format!("--user-data-dir={}", profile.display())).unwrap();
        let url = format!("http://127.0.0.1:{}", chromedriver.port);
        let driver = WebDriver::new(url, capabilities).await.unwrap();
        driver.set_script_timeout(PATIENCE).await.unwrap();
        Self { driver, chromedriver, _profile: Profile(profile) }
    }

    /// For pages that are more than a module to call.
    #[allow(dead_code, reason = "the test of the search page uses it")]
    pub(crate) fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// Opens the page of a server, in the window that is there.
    pub(crate) async fn open(&self, port: u16) {
        self.open_at(port, "").await;
    }

    /// The same, of another page than the first.
    pub(crate) async fn open_at(&self, port: u16, path: &str) {
        self.open_url(&format!("http://127.0.0.1:{port}/{path}")).await;
    }

    /// The same, wherever it is.
    pub(crate) async fn open_url(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
        let waits =
            "const done = arguments[0]; (function look() { window.page ? done() : setTimeout(look, 5); })()";
        self.driver.execute_async(waits, vec![]).await.unwrap();
    }

    /// Opens the original's page, and waits until it has run what it runs.
    pub(crate) async fn open_seed(&self, port: u16) {
        self.driver.goto(format!("http://127.0.0.1:{port}/seed")).await.unwrap();
        let waits = "const done = arguments[0], status = document.getElementById('status');
            (function look() { status.textContent === 'done' ? done() : setTimeout(look, 5); })()";
        self.driver.execute_async(waits, vec![]).await.unwrap();
    }

    /// Opens the page of a server in another window, and continues there.
    pub(crate) async fn open_another(&self, port: u16) -> WindowHandle {
        let first = self.open_tab("about:blank").await;
        self.open(port).await;
        first
    }

    /// Opens a URL in another window, and continues there.
    pub(crate) async fn open_tab(&self, url: &str) -> WindowHandle {
        let first = self.window().await;
        let window = self.driver.new_tab().await.unwrap();
        self.go_to(window).await;
        self.driver.goto(url).await.unwrap();
        first
    }

    pub(crate) async fn window(&self) -> WindowHandle {
        self.driver.window().await.unwrap()
    }

    pub(crate) async fn go_to(&self, window: WindowHandle) {
        self.driver.switch_to_window(window).await.unwrap();
    }

    pub(crate) async fn close_window(&self) {
        self.driver.close_window().await.unwrap();
    }

    /// Calls a function of the page, waits for it, and returns its value or its error.
    pub(crate) async fn call(&self, function: &str, arguments: &[&str]) -> Result<Value, String> {
        self.begin(function, arguments).await;
        self.end().await
    }

    /// Calls a function of the page, and does not wait for it.
    pub(crate) async fn begin(&self, function: &str, arguments: &[&str]) {
        let script = "window.running = page[arguments[0]](...arguments[1])";
        self.driver.execute(script, vec![json!(function), json!(arguments)]).await.unwrap();
    }

    /// Waits for what was begun.
    pub(crate) async fn end(&self) -> Result<Value, String> {
        let script = "const done = arguments[0];
            Promise.resolve(window.running).then(ok => done({ ok: ok ?? null }), error => done({ error: String(error) }))";
        let ended = self.driver.execute_async(script, vec![]).await.unwrap();
        let ended: Value = ended.json().clone();
        match ended.get("error") {
            Some(error) => Err(error.as_str().unwrap_or_default().to_owned()),
            None => Ok(ended["ok"].clone()),
        }
    }

    pub(crate) async fn evaluate(&self, script: &str) -> Value {
        self.driver.execute(script, vec![]).await.unwrap().json().clone()
    }

    /// Goes to another page in this window.
    #[allow(dead_code, reason = "not every test that shares this module leaves")]
    pub(crate) async fn leave(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    /// And back to the page before.
    #[allow(dead_code, reason = "not every test that shares this module leaves")]
    pub(crate) async fn back(&self) {
        self.driver.back().await.unwrap();
    }

    /// Waits until an expression has a value that counts as true; gives it.
    #[allow(dead_code, reason = "not every test that shares this module waits so")]
    pub(crate) async fn until(&self, expression: &str) -> Value {
        let script = format!(
            "const done = arguments[0]; (function look() {{ const value = {expression}; value ? done(value) : setTimeout(look, 5); }})()"
        );
        self.driver.execute_async(script, vec![]).await.unwrap().json().clone()
    }

    pub(crate) async fn quit(self) {
        self.driver.quit().await.unwrap();
    }
}
