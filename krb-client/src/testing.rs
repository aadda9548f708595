/// What goes by a real clock, three times at most, until there is no complaint: a machine that stands
/// still for a moment spoils one time, a defect spoils each.
pub(crate) async fn thrice(mut complaint: impl AsyncFnMut() -> Option<String>) {
    let mut complaints = Vec::new();
    while complaints.len() < 3 {
        match complaint().await {
            None => return,
            Some(complaint) => complaints.push(complaint),
        }
    }
    panic!("three times: {complaints:#?}");
}
