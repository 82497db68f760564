//! Screenshots of a page, kept for people to look at.

use std::path::Path;

use serde_json::json;
use thirtyfour::prelude::*;

/// The device and colour scheme of the viewer, and the size of the window.
const LOOKS: [(&str, &str, u32, u32); 3] =
    [("light", "light", 1200, 800), ("dark", "dark", 1200, 800), ("narrow", "light", 390, 844)];

/// Keeps the page as it is now, in light, in dark, and as a telephone shows it.
pub(crate) async fn keep_screenshots(driver: &WebDriver, name: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    let tools = driver.cdp();
    for (look, scheme, width, height) in LOOKS {
        let scheme = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
        tools.send_raw("Emulation.setEmulatedMedia", scheme).await.unwrap();
        tools.send_raw("Emulation.setDeviceMetricsOverride", size).await.unwrap();
        driver.screenshot(&folder.join(format!("{name}-{look}.png"))).await.unwrap();
    }
    tools.send_raw("Emulation.setEmulatedMedia", json!({ "features": [] })).await.unwrap();
    tools.send_raw("Emulation.clearDeviceMetricsOverride", json!({})).await.unwrap();
}
