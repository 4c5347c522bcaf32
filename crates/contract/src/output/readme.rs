//! The operations' part of the SDK's README.

use std::fmt::Write as _;

use super::example::program;
use crate::join::Contract;

/// A section for each operation: what it does, an example, how it can be refused.
pub(crate) fn operations(contract: &Contract<'_>) -> String {
    let mut text = String::new();
    for presented in &contract.presented {
        let one = &contract.joined[presented.request];
        let Some(operation) = one.operation() else {
            continue;
        };
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "### `{}`\n\n`{} {}`\n\n{}.",
            presented.name,
            operation.method,
            operation.path,
            contract.summary(presented).trim_end_matches('.')
        );
        let description = contract.description(presented);
        if !description.is_empty() {
            let _ = writeln!(text, "\n{description}");
        }
        let _ = write!(text, "\n```ts\n{}```\n\n", program(contract, presented));
        let refusals = contract.refusals(presented);
        if !refusals.is_empty() {
            text.push_str("| refused with | when |\n|---|---|\n");
            for refusal in refusals {
                let title = refusal.title.replace('|', "\\|");
                let _ = writeln!(text, "| {} `{}` | {title} |", refusal.status, refusal.code);
            }
            text.push('\n');
        }
    }
    text
}
