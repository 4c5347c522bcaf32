//! What the use cases need from the outside. Each method is one atomic step: what a concurrent
//! request must not tear apart happens inside it, with its condition.

pub mod event_store;
pub mod object_store;
pub mod session_steps;
pub mod session_store;

pub use event_store::*;
pub use object_store::*;
pub use session_steps::*;
pub use session_store::*;
