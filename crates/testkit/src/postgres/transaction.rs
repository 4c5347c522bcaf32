//! A transaction that somebody leaves open.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

/// It ends, having changed nothing, when this is dropped.
#[must_use = "dropped, it is over"]
pub struct Transaction(Child);

impl Transaction {
    pub(super) fn begin(mut psql: Command, statement: &str) -> Self {
        psql.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = psql.spawn().unwrap();
        let script = format!("BEGIN; {statement}; SELECT 'begun';");
        writeln!(child.stdin.as_mut().unwrap(), "{script}").unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("begun")));
        Self(child)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // Its end is the transaction's.
        let _ = self.0.wait();
    }
}
