//! What every `SessionStore` does, one function per behaviour.
