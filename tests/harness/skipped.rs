use std::io::Write;

/// Says that the present test is skipped, past libtest, which counts it as passed and swallows what
/// a test prints that ends well.
pub fn skipped(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // Where standard error is closed, there is nobody to be told.
    let _ = std::io::stderr().write_all(format!("SKIPPED {test}: {why}\n").as_bytes());
}
