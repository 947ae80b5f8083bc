//! How an action's further pages are asked for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pointer::Pointer;

/// Where a page's items stand, and what leads to the next page.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pagination {
    /// The list of items in the body; the whole body when absent.
    #[serde(default)]
    pub items: Pointer,
    /// What leads to the next page.
    pub next: NextPage,
    /// The parameter that says how many items a page may have: a page with fewer is the last one.
    #[serde(default)]
    pub limit_param: Option<String>,
    /// A flag in the body: where it is there and not `true`, the page is the last one.
    #[serde(default)]
    pub has_more: Option<Pointer>,
}

/// What leads from a page to the next one.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NextPage {
    /// The header `Link` with `rel="next"` (RFC 8288).
    Link,
    /// A URL in the body.
    Url(Pointer),
    /// A text or number that the next request hands back.
    Cursor(Cursor),
    /// The number of items so far, as a parameter.
    Offset(Counted),
    /// The number of the page, as a parameter.
    Page(Counted),
}

/// A cursor: exactly one of `pointer`, `header` and `last_item` says where it stands.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The parameter that it becomes.
    pub param: String,
    /// Its place in the body.
    #[serde(default)]
    pub pointer: Option<Pointer>,
    /// The header that it stands in.
    #[serde(default)]
    pub header: Option<String>,
    /// Its place in the last item of the page, such as `/id`.
    #[serde(default)]
    pub last_item: Option<Pointer>,
}

/// A number that grows.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// The parameter that it becomes.
    pub param: String,
    /// What it is on the first page, where the message does not say so: 0 for `offset`, 1 for `page` when absent.
    #[serde(default)]
    pub start: Option<u64>,
}

// === impl NextPage ===

impl NextPage {
    /// The parameter that asks for the next page, where one does.
    #[must_use]
    pub fn param(&self) -> Option<&str> {
        match self {
            Self::Link | Self::Url(_) => None,
            Self::Cursor(cursor) => Some(&cursor.param),
            Self::Offset(counted) | Self::Page(counted) => Some(&counted.param),
        }
    }
}
