//! The browser is one that sites take for a person's.

use skew_tests::browser::Browser;
use skew_tests::page::PlainPage;

#[tokio::test]
async fn a_browser_runs_a_plain_page_and_is_no_bot_to_it() {
    let page = PlainPage::start("<script>document.title = `at ${location.pathname}`</script>").await;
    let browser = Browser::launch().await;
    let tab = browser.person().await.open(&format!("http://{}/deep/path", page.addr)).await;
    assert_eq!(tab.eval("document.title").await, "at /deep/path");
    assert_eq!(tab.eval("navigator.userAgent.includes('Headless')").await, false);
}
