//! moc
fn main() {}
