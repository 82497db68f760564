//! The search page, typed into and read in a real browser.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

#[path = "../../tests/browser/tests/in_a_browser/browser.rs"]
#[allow(dead_code, reason = "this test needs less of it")]
mod browser;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use thirtyfour::prelude::*;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use browser::Browser;

/// A running `demo search`, which ends when this is dropped.
struct Search {
    _process: Child,
    url: String,
}

impl Search {
    async fn start(port: u16) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_demo"))
            .args(["search", "--addr", &format!("127.0.0.1:{port}")])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = lines.next_line().await.unwrap().expect("the first line is the URL");
        Self { _process: process, url }
    }

    fn port(&self) -> u16 {
        self.url.trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap()
    }
}

/// Waits until an element is as it is wanted.
async fn wait(driver: &WebDriver, css: &str) -> WebElement {
    driver
        .query(By::Css(css))
        .wait(Duration::from_secs(120), Duration::from_millis(20))
        .first()
        .await
        .unwrap()
}

async fn text(driver: &WebDriver, css: &str) -> String {
    driver.find(By::Css(css)).await.unwrap().text().await.unwrap()
}

/// Kept, to be looked at.
async fn keep_screenshot(driver: &WebDriver, name: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    driver.screenshot(&folder.join(format!("{name}.png"))).await.unwrap();
}

#[actix_web::test]
async fn what_is_typed_is_searched_for_and_shown_and_the_page_survives_a_restart_of_its_server() {
    let search = Search::start(0).await;
    let browser = Browser::start().await;
    let driver = browser.driver();
    driver.goto(&search.url).await.unwrap();
    wait(driver, "#connection[data-state=connected]").await;
    keep_screenshot(driver, "search-indexing").await;
    wait(driver, "#indexing[hidden]").await;

    // Typed key by key: each begins a search and ends the one before.
    let query = driver.find(By::Id("query")).await.unwrap();
    query.send_keys("mpsc channel").await.unwrap();
    wait(driver, "#results[data-query='mpsc channel'] li").await;
    assert!(text(driver, "#results").await.contains("mpsc::channel"));
    assert!(!driver.find_all(By::Css("#results mark")).await.unwrap().is_empty(), "what was found is marked");
    keep_screenshot(driver, "search").await;

    // By keyboard alone: into the results, back, and anew.
    query.send_keys(Key::Down + "").await.unwrap();
    let active = driver.active_element().await.unwrap();
    assert_eq!(active.tag_name().await.unwrap(), "a");
    active.send_keys(Key::Up + "").await.unwrap();
    assert_eq!(driver.active_element().await.unwrap().attr("id").await.unwrap().as_deref(), Some("query"));
    query.send_keys(Key::Escape + "").await.unwrap();
    wait(driver, "#results[data-query='']").await;

    // Only one kind.
    query.send_keys("timeout").await.unwrap();
    driver.find(By::Css("#kind option[value=trait]")).await.unwrap().click().await.unwrap();
    wait(driver, "#results[data-query=timeout] li").await;
    driver
        .query(By::Css("#results .where"))
        .with_filter(async |element: WebElement| Ok(element.text().await?.starts_with("trait ·")))
        .wait(Duration::from_secs(60), Duration::from_millis(20))
        .first()
        .await
        .unwrap();

    // The server is restarted under the page.
    let port = search.port();
    drop(search);
    wait(driver, "#connection[data-state=reconnecting]").await;
    assert_eq!(text(driver, "#connection").await, "reconnecting…");
    keep_screenshot(driver, "search-reconnecting").await;
    let _again = Search::start(port).await;
    wait(driver, "#connection[data-state=connected]").await;
    browser.quit().await;
}
