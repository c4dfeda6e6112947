//! How a server ends: in order, at once when it is asked twice, and whoever reads its log.

use super::Tool;
use super::server::Served;

#[test]
fn a_server_whose_log_nobody_reads_serves_and_ends() {
    let tool = Tool::on_directory();
    let (mut served, unread) = Served::start_unread(&tool, &["--single-user", "--log", "trace"]);
    let on = Tool::on_directory().at(served.url.as_str());
    for name in ["a", "b"] {
        on.json(&["put", "/dev/null", "--name", name]);
        on.json(&["get", name, &format!("{name}.copy")]);
    }
    served.signal("TERM");
    assert_eq!(served.wait(), Some(0));
    drop(unread);
}
