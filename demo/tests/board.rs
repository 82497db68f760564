//! The shared list, in two real browsers, with a server that is restarted meanwhile.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

mod site;

use std::path::Path;

use serde_json::Value;
use thirtyfour::prelude::*;

use site::browser::Browser;
use site::screenshots::keep_screenshots;
use site::{Site, text, wait};

/// Opens the page and waits until it has a seat.
async fn open(browser: &Browser, site: &Site) {
    browser.driver().goto(format!("{}board", site.url)).await.unwrap();
    // From now on, each dot that is drawn is counted.
    let count = "window.dots = 0; new MutationObserver(changes => changes.forEach(change => change.addedNodes.forEach(
        node => { if (node.classList?.contains('dot')) window.dots += 1 }
    ))).observe(document.getElementById('drawing'), { childList: true, subtree: true })";
    browser.evaluate(count).await;
    wait(browser.driver(), "#connection[data-state=connected]").await;
    wait(browser.driver(), "#drawing .me").await;
    // The page's policy allows no style that stands in an attribute.
    let place = "return document.querySelector('#drawing g[style]').style.getPropertyValue('--browser')";
    assert!(browser.evaluate(place).await.as_str().unwrap().contains("px"));
}

/// Waits until this many browsers are drawn.
async fn sees_browsers(browser: &Browser, count: usize) {
    let css = format!("#drawing g:has(> .browser:nth-child({count}):last-child)");
    wait(browser.driver(), &css).await;
}

async fn add(browser: &Browser, item: &str) {
    let input = browser.driver().find(By::Id("text")).await.unwrap();
    input.send_keys(format!("{item}\n")).await.unwrap();
}

/// Waits until the item with this number, from 1, says this.
async fn sees_item(browser: &Browser, number: usize, item: &str) {
    let path = format!("//ol[@id='items']/li[{number}]//span[text()='{item}']");
    let (time, interval) = (std::time::Duration::from_secs(60), std::time::Duration::from_millis(20));
    let found = browser.driver().query(By::XPath(path)).wait(time, interval).first().await;
    if let Err(error) = found {
        // What the page says about it, which the error of the driver does not.
        let page = text(browser.driver(), "body").await;
        panic!("item {number} is not `{item}`: {error}\nThe page says:\n{page}");
    }
}

async fn click(browser: &Browser, css: &str) {
    wait(browser.driver(), css).await.click().await.unwrap();
}

#[actix_web::test]
async fn what_one_browser_adds_the_other_shows_and_each_hop_is_drawn_and_timed_in_both() {
    let site = Site::start(0).await;
    let one = Browser::start().await;
    open(&one, &site).await;
    wait(one.driver(), "#alone:not([hidden])").await;
    keep_screenshots(one.driver(), "board-alone").await;
    let other = one.another().await;
    open(&other, &site).await;
    sees_browsers(&one, 2).await;
    wait(one.driver(), "#alone[hidden]").await;

    add(&one, "milk").await;
    for browser in [&one, &other] {
        sees_item(browser, 1, "milk").await;
        // The hop to the server with its time, and the items that go to both browsers.
        wait(browser.driver(), "#log li[data-state=ended]").await;
        let ended =
            "//ol[@id='log']/li[@data-state='ended'][.//code[text()='edit']]//span[contains(text(), ' ms')]";
        let time = std::time::Duration::from_secs(60);
        let lines = browser.driver().query(By::XPath(ended)).wait(time, time / 1000);
        lines.first().await.unwrap();
        let dots = browser.evaluate("return window.dots").await;
        assert!(dots.as_u64() >= Some(3), "{dots} dots were drawn");
    }
    let log = text(other.driver(), "#log").await;
    assert!(log.contains("edit added “milk”"), "{log}");

    // What is ticked and moved there is ticked and moved here, by mouse and by keyboard.
    add(&other, "bread").await;
    sees_item(&one, 2, "bread").await;
    click(&other, "#items li:first-child input").await;
    wait(one.driver(), "#items li:first-child.done").await;
    assert_eq!(
        one.evaluate("return document.querySelector('#items input').checked").await,
        Value::Bool(true)
    );
    click(&one, "#items li:first-child [data-act=down]").await;
    sees_item(&other, 1, "bread").await;
    let tick = other.driver().find(By::Css("#items li:first-child input")).await.unwrap();
    tick.send_keys(Key::Alt + Key::Down).await.unwrap();
    sees_item(&one, 2, "bread").await;
    sees_item(&other, 2, "bread").await;
    let focused = "return document.activeElement.closest('li')?.textContent.includes('bread')";
    assert_eq!(other.evaluate(focused).await, Value::Bool(true), "the item that is moved keeps the focus");

    // Another user comes, and sees the existing items.
    let third = other.open_tab(&format!("{}board", site.url)).await;
    sees_browsers(&one, 3).await;
    sees_item(&other, 2, "bread").await;
    add(&one, "a lamp for the kitchen").await;
    sees_item(&other, 3, "a lamp for the kitchen").await;
    keep_screenshots(one.driver(), "board").await;

    // And leaves.
    other.close_window().await;
    other.go_to(third).await;
    sees_browsers(&one, 2).await;
    other.quit().await;
    sees_browsers(&one, 1).await;
    assert!(text(one.driver(), "#news").await.ends_with("has left"));
    one.quit().await;
}

#[actix_web::test]
async fn the_server_waits_for_the_click_of_an_author_before_somebody_else_removes_an_item() {
    let site = Site::start(0).await;
    let author = Browser::start().await;
    open(&author, &site).await;
    add(&author, "milk").await;
    sees_item(&author, 1, "milk").await;
    let other = author.another().await;
    open(&other, &site).await;
    sees_item(&other, 1, "milk").await;

    click(&other, "#items [data-act=remove]").await;
    wait(author.driver(), "#questions li").await;
    assert!(text(author.driver(), "#questions p").await.contains("wants to remove your “milk”"));
    // The calls are open until a user clicks, and all users see that.
    wait(other.driver(), "#items [aria-busy]").await;
    wait(other.driver(), "#drawing line.open").await;
    keep_screenshots(author.driver(), "board-question").await;
    keep_screenshots(other.driver(), "board-waiting").await;
    click(&author, "#questions button:nth-of-type(2)").await;
    wait(other.driver(), "#problem:not(:empty)").await;
    assert_eq!(text(other.driver(), "#problem").await, "Its author wants to keep it.");

    click(&other, "#items [data-act=remove]").await;
    click(&author, "#questions button:nth-of-type(1)").await;
    wait(other.driver(), "#items:empty").await;
    wait(author.driver(), "#items:empty").await;
    wait(author.driver(), "#questions:empty").await;
    other.quit().await;
    author.quit().await;
}

#[actix_web::test]
async fn a_page_says_that_it_reconnects_while_its_server_is_restarted_and_goes_on_after_that() {
    let name = format!("board-{}.json", std::process::id());
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let keep = ["--list", file.to_str().unwrap()];
    let site = Site::start_with(0, &keep).await;
    let browser = Browser::start().await;
    open(&browser, &site).await;
    add(&browser, "milk").await;
    sees_item(&browser, 1, "milk").await;
    let name = text(browser.driver(), "#drawing .me .name").await;
    // The server writes what it has shown; it is killed, so it cannot do so in the end.
    while !std::fs::read_to_string(&file).is_ok_and(|text| text.contains("milk")) {
        tokio::task::yield_now().await;
    }
    let port = site.port();
    drop(site);
    wait(browser.driver(), "#connection[data-state=reconnecting]").await;
    keep_screenshots(browser.driver(), "board-reconnecting").await;
    let _again = Site::start_with(port, &keep).await;
    wait(browser.driver(), "#connection[data-state=connected]").await;
    add(&browser, "bread").await;
    sees_item(&browser, 2, "bread").await;
    sees_item(&browser, 1, "milk").await;
    sees_browsers(&browser, 1).await;
    assert_eq!(text(browser.driver(), "#drawing .me .name").await, name);
    browser.quit().await;
    std::fs::remove_file(file).unwrap();
}

/// A page that was built from other sources than its server says so, and loads itself again.
#[actix_web::test]
async fn outdated_page_offers_to_reload() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
    let bundle = target.join("web/demo-browser-outdated");
    let site = Site::start_with(0, &["--bundle", bundle.to_str().unwrap()]).await;
    let browser = Browser::start().await;
    open(&browser, &site).await;
    add(&browser, "milk").await;
    wait(browser.driver(), "#problem button").await;
    let problem = text(browser.driver(), "#problem").await;
    assert_eq!(problem, "There is a newer version of this page. Load it again to go on. Reload");
    keep_screenshots(browser.driver(), "board-outdated").await;
    browser.evaluate("window.isOld = true").await;
    click(&browser, "#problem button").await;
    while browser.evaluate("return window.isOld ?? false").await == Value::Bool(true) {
        tokio::task::yield_now().await;
    }
    wait(browser.driver(), "#connection[data-state=connected]").await;
    browser.quit().await;
}
