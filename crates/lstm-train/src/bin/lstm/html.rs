//! What pages share.

/// Text that cannot end an element or begin another.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A token by itself, the space before it as a dot.
pub fn token(token: &str) -> String {
    escaped(&token.replace(' ', "·"))
}
