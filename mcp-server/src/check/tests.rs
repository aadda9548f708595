use super::print;
use crate::testing::{Directory, assert_snapshot};

const EXAMPLE: &str = include_str!("../../examples/krb-mcp.jsonc");
const POLICY: &str = include_str!("../../examples/policy.cedar");

/// The output for the example with one text replaced in it or in its policy.
fn check(json: bool, old: &str, new: &str) -> Result<String, String> {
    let directory = Directory::new();
    let file = directory.write("krb-mcp.jsonc", &EXAMPLE.replace(old, new));
    directory.write("policy.cedar", &POLICY.replace(old, new));
    directory.write("mcp.keytab", "");
    directory.write("ca.pem", "");
    let mut out = Vec::new();
    let place = |text: String| text.replace(&directory.0.display().to_string(), "DIR");
    match print(&file, json, &mut out) {
        Ok(()) => Ok(place(String::from_utf8(out).unwrap())),
        Err(error) => Err(place(error.to_string())),
    }
}

#[test]
fn the_example_is_valid() {
    assert_snapshot("src/check/example.txt", &check(false, "", "").unwrap());
}

#[test]
fn programs_get_json() {
    let report: serde_json::Value = serde_json::from_str(&check(true, "", "").unwrap()).unwrap();
    assert_eq!(report["policy"], "DIR/policy.cedar");
    assert_eq!(report["targets"][0]["spn"], "cifs/fileserver.w25ad.net");
}

#[test]
fn what_lies_beside_the_configuration_is_checked_too() {
    let problem = check(false, "mcp.keytab", "other.keytab").unwrap_err();
    assert!(problem.starts_with("cannot read DIR/other.keytab"), "{problem}");
    let problem = check(false, r#"Target::"intranet""#, r#"Target::"internet""#).unwrap_err();
    assert!(problem.starts_with("DIR/policy.cedar: policy: "), "{problem}");
    assert!(problem.contains("staff-use-the-intranet"), "{problem}");
    let problem = check(false, "cifs/fileserver", "fileserver").unwrap_err();
    assert!(problem.starts_with("DIR/krb-mcp.jsonc: targets[0].spn: must be"), "{problem}");
}
