//! The search page, typed into and read in a real browser.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

mod site;

use std::time::Duration;

use thirtyfour::prelude::*;

use site::browser::Browser;
use site::screenshots::keep_screenshots;
use site::{Site, text, wait};

#[actix_web::test]
async fn what_is_typed_is_searched_for_and_shown_and_the_page_survives_a_restart_of_its_server() {
    let site = Site::start(0).await;
    let browser = Browser::start().await;
    let driver = browser.driver();
    driver.goto(&site.url).await.unwrap();
    wait(driver, "#connection[data-state=connected]").await;
    keep_screenshots(driver, "search-indexing").await;
    wait(driver, "#indexing[hidden]").await;

    // Typed key by key: each begins a search and ends the one before.
    let query = driver.find(By::Id("query")).await.unwrap();
    query.send_keys("mpsc channel").await.unwrap();
    wait(driver, "#results[data-query='mpsc channel'] li").await;
    assert!(text(driver, "#results").await.contains("mpsc::channel"));
    assert!(!driver.find_all(By::Css("#results mark")).await.unwrap().is_empty(), "what was found is marked");
    keep_screenshots(driver, "search").await;

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
    let port = site.port();
    drop(site);
    wait(driver, "#connection[data-state=reconnecting]").await;
    assert_eq!(text(driver, "#connection").await, "reconnecting…");
    keep_screenshots(driver, "search-reconnecting").await;
    let _again = Site::start(port).await;
    wait(driver, "#connection[data-state=connected]").await;
    browser.quit().await;
}
