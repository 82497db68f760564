//! The site of `demo search`, as a process of its own, and what tests look up on its pages.

#[path = "../../../tests/browser/tests/in_a_browser/browser.rs"]
#[allow(dead_code, reason = "these tests need less of it")]
pub(crate) mod browser;
pub(crate) mod screenshots;

use std::process::Stdio;
use std::time::Duration;

use thirtyfour::prelude::*;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A running `demo search`, which ends when this is dropped.
pub(crate) struct Site {
    _process: Child,
    pub(crate) url: String,
}

impl Site {
    /// Starts it on this port, or on any free one for 0.
    pub(crate) async fn start(port: u16) -> Self {
        Self::start_with(port, &[]).await
    }

    /// The same, with further arguments.
    pub(crate) async fn start_with(port: u16, arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_demo"))
            .args(["search", "--addr", &format!("127.0.0.1:{port}")])
            .args(arguments)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = lines.next_line().await.unwrap().expect("the first line is the URL");
        // Later output is discarded, but the pipe must still be read.
        actix_web::rt::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { _process: process, url }
    }

    pub(crate) fn port(&self) -> u16 {
        self.url.trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap()
    }
}

/// Waits until an element is as it is wanted.
pub(crate) async fn wait(driver: &WebDriver, css: &str) -> WebElement {
    driver
        .query(By::Css(css))
        .wait(Duration::from_secs(120), Duration::from_millis(20))
        .first()
        .await
        .unwrap_or_else(|error| panic!("there is no `{css}`: {error}"))
}

pub(crate) async fn text(driver: &WebDriver, css: &str) -> String {
    driver.find(By::Css(css)).await.unwrap().text().await.unwrap()
}
