//! What the app's pages show in a browser, whoever serves their stream.

use serde_json::Value;

use crate::browser::Tab;

/// Waits until the page has its stream.
pub async fn connected(tab: &Tab) {
    tab.wait_until("window.__skewMessages.some(m => m.type === 'connected')").await;
}

/// Waits until the stats on the page `/admin` have `value` in `field` (objects in any order), and answers all of
/// them: those of the wire, and `authorized`.
pub async fn stats_with(admin: &Tab, field: &str, value: &Value) -> Value {
    let stats = "JSON.parse(document.querySelector('[data-testid=stats]').textContent)";
    // By name: two objects are equal in any order.
    let sorted = "v => v && typeof v === 'object' ? Object.fromEntries(Object.entries(v).sort()) : v";
    let wanted = format!("JSON.stringify(({sorted})(s.{field})) === JSON.stringify(({sorted})({value}))");
    admin.wait_until(&format!("(s => {wanted} && s)({stats})")).await
}
