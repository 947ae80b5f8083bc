//! The components that Keyway ships, embedded as text: one folder each, `component.json` in it. No code but this.

/// Name and `component.json` of every built-in component, by name.
pub const BUILT_IN: &[(&str, &str)] =
    &[("podero", include_str!("../podero/component.json")), ("podio", include_str!("../podio/component.json"))];
