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
    wait(driver, "#indexing[data-state=complete]").await;

    // Typed key by key: each begins a search and ends the one before.
    let query = driver.find(By::Id("query")).await.unwrap();
    query.send_keys("mpsc channel").await.unwrap();
    wait(driver, "#results[data-query='mpsc channel'] li").await;
    let results = text(driver, "#results").await;
    assert!(results.contains("mpsc::channel"), "{results}");
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

#[actix_web::test]
async fn what_a_page_logs_is_in_the_console_from_the_level_on_that_its_url_names() {
    let site = Site::start(0).await;
    let browser = Browser::start().await;
    let driver = browser.driver();
    // What is written there is kept from the beginning on.
    let keep = "window.logged = []; for (const level of ['debug', 'info', 'warn', 'error']) {
        const write = console[level];
        console[level] = (...text) => { window.logged.push(`${level} ${text.join(' ')}`); write.apply(console, text) };
    }";
    let script = serde_json::json!({ "source": keep });
    driver.cdp().send_raw("Page.addScriptToEvaluateOnNewDocument", script).await.unwrap();
    for (url, is_there) in [(format!("{}?log=info", site.url), true), (site.url.clone(), false)] {
        driver.goto(url).await.unwrap();
        wait(driver, "#connection[data-state=connected]").await;
        let logged = browser.evaluate("return window.logged.join('\\n')").await.to_string();
        assert_eq!(logged.contains("info") && logged.contains("session open"), is_there, "{logged}");
        assert!(!logged.contains("debug "), "{logged}");
    }
    browser.quit().await;
}

/// What people might look for.
const QUERIES: [&str; 20] = [
    "bounded channel",
    "spawn_blocking",
    "websocket frame",
    "timeout",
    "serialize struct",
    "derive macro",
    "json web token",
    "tls certificate",
    "read a file to a string",
    "mutex guard",
    "random seed",
    "hash map entry",
    "parse url",
    "graceful shutdown",
    "waker",
    "pin projection",
    "utf-8",
    "base64 encode",
    "progress bar",
    "how to cancel a future",
];

/// For each key that is typed, the time from its event to the results in the page, as the page
/// itself measures it.
#[actix_web::test]
#[ignore = "a measurement, for a machine that does nothing else: cargo test -p demo --features in-a-browser --test search -- --ignored --nocapture"]
#[allow(clippy::print_stdout, reason = "to tell what it measured is what it is for")]
async fn how_long_it_takes_from_a_key_to_what_is_found() {
    let site = Site::start(0).await;
    let browser = Browser::start().await;
    let driver = browser.driver();
    driver.goto(&site.url).await.unwrap();
    wait(driver, "#connection[data-state=connected]").await;
    wait(driver, "#indexing[data-state=complete]").await;
    let input = driver.find(By::Id("query")).await.unwrap();
    let mut times = Vec::new();
    for query in QUERIES {
        input.send_keys(Key::Escape + "").await.unwrap();
        let mut typed = String::new();
        for key in query.chars() {
            typed.push(key);
            input.send_keys(key.to_string()).await.unwrap();
            let shown = format!("#results[data-query='{typed}'][data-milliseconds]");
            let milliseconds = wait(driver, &shown).await.attr("data-milliseconds").await.unwrap();
            times.push(milliseconds.unwrap().parse::<f64>().unwrap());
        }
    }
    browser.quit().await;
    times.sort_by(f64::total_cmp);
    let at = |quantile: usize| times[(times.len() - 1) * quantile / 100];
    println!(
        "{} keys: p50 {} ms, p95 {} ms, p99 {} ms, worst {} ms",
        times.len(),
        at(50),
        at(95),
        at(99),
        at(100)
    );
}
