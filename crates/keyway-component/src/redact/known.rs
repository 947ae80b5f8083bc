//! The secrets that are known, and where any of them stands in a text.
//!
//! A text is looked through once, however many secrets there are: a host may have ten thousand accounts, and servers send
//! long texts.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::forms::forms;
use crate::secret::Secret;

/// Secrets of one owner that stay known: an access token that was just replaced may still turn up in an answer.
const KEPT_PER_OWNER: usize = 12;
/// Shorter values would mask half the alphabet. So many bytes lead to a secret's forms, too.
pub(super) const SHORTEST: usize = 4;

type Begin = [u8; SHORTEST];

/// Secrets by their owners, the newest last.
#[derive(Default)]
pub(super) struct Known {
    owners: BTreeMap<String, VecDeque<Secret>>,
    /// Every form of every secret under its first bytes. One that two owners have stands here twice.
    forms: HashMap<Begin, Vec<Secret>>,
}

// === impl Known ===

impl Known {
    /// Adds a secret. The oldest of its owner is forgotten first, so that rotating tokens do not make this grow for ever.
    pub(super) fn add(&mut self, owner: &str, secret: &Secret) {
        let text = secret.expose_secret_text();
        if text.len() < SHORTEST {
            return;
        }
        // Most owners have one or two, and there may be thousands of owners.
        let ring = self.owners.entry(owner.to_owned()).or_insert_with(|| VecDeque::with_capacity(1));
        if let Some(at) = ring.iter().position(|known| known.expose_secret_text() == text) {
            let known = ring.remove(at);
            ring.extend(known);
            return;
        }
        let oldest = if ring.len() == KEPT_PER_OWNER { ring.pop_front() } else { None };
        ring.push_back(secret.clone());
        for form in forms(text) {
            if let Some(begin) = begin(form.as_bytes()) {
                self.forms.entry(begin).or_insert_with(|| Vec::with_capacity(1)).push(Secret::new(form));
            }
        }
        if let Some(oldest) = oldest {
            self.forget(oldest.expose_secret_text());
        }
    }

    fn forget(&mut self, text: &str) {
        for form in forms(text) {
            let Some(begin) = begin(form.as_bytes()) else { continue };
            let Some(held) = self.forms.get_mut(&begin) else { continue };
            if let Some(at) = held.iter().position(|known| known.expose_secret_text() == form) {
                held.swap_remove(at);
            }
            if held.is_empty() {
                self.forms.remove(&begin);
            }
        }
    }

    /// Where secrets stand in a text, in order. Those that overlap are one place: no half of one is left.
    pub(super) fn places(&self, text: &str) -> Vec<std::ops::Range<usize>> {
        let (mut places, bytes) = (Vec::<std::ops::Range<usize>>::new(), text.as_bytes());
        if self.forms.is_empty() {
            return places;
        }
        for at in 0..bytes.len() {
            let Some(held) = begin(&bytes[at..]).and_then(|begin| self.forms.get(&begin)) else { continue };
            let here = |form: &&Secret| bytes[at..].starts_with(form.expose_secret_text().as_bytes());
            let Some(length) = held.iter().filter(here).map(|form| form.expose_secret_text().len()).max() else {
                continue;
            };
            match places.last_mut() {
                Some(last) if at < last.end => last.end = last.end.max(at + length),
                _ => places.push(at..at + length),
            }
        }
        places
    }
}

fn begin(bytes: &[u8]) -> Option<Begin> {
    bytes.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(secrets: &[(&str, &str)]) -> Known {
        let mut known = Known::default();
        secrets.iter().for_each(|(owner, secret)| known.add(owner, &Secret::new(*secret)));
        known
    }

    #[test]
    fn secrets_that_overlap_are_one_place() {
        let known = known(&[("a", "abcdef"), ("b", "defghi"), ("c", "abcd"), ("d", "wxyz")]);
        assert_eq!(known.places("..abcdefghi..abcd wxyzwxyz"), [2..11, 13..17, 18..22, 22..26]);
        assert!(known.places("abc def").is_empty());
    }

    #[test]
    fn what_one_owner_forgets_another_may_still_know() {
        let mut known = known(&[("a", "shared-secret"), ("b", "shared-secret")]);
        (0..KEPT_PER_OWNER).for_each(|n| known.add("a", &Secret::new(format!("token-{n:04}"))));
        assert_eq!(known.places("shared-secret").len(), 1);
        (0..KEPT_PER_OWNER).for_each(|n| known.add("b", &Secret::new(format!("token-{n:04}"))));
        assert!(known.places("shared-secret").is_empty());
        assert_eq!(known.places("token-0011").len(), 1);
    }

    #[test]
    fn nothing_is_left_of_what_is_forgotten() {
        let mut known = Known::default();
        (0..1_000).for_each(|n| known.add("a", &Secret::new(format!("{n:04}/token+{n}"))));
        let held: usize = known.forms.values().map(Vec::len).sum();
        let most = KEPT_PER_OWNER * forms("0000/token+0").len();
        assert!(held <= most && known.forms.len() <= most, "{held} forms under {} beginnings", known.forms.len());
    }
}
