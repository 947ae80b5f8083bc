//! The pages of an action, one request after the other.

use std::hash::{DefaultHasher, Hash, Hasher};

use futures_util::{Stream, stream};
use keyway_component::{Origin, component::Pagination};
use serde_json::Value;
use url::Url;

use crate::{
    answer::Answer,
    chain,
    connection::Connection,
    failure::{Code, Failure},
    message::{Message, Target},
    next_page::{PageFacts, Step, items, next_page},
};

/// The pages that are still to come.
#[derive(Clone)]
pub(crate) struct Pages {
    connection: Connection,
    message: Message,
    /// Where the next page is; `None` for the first one, which the message itself asks for.
    url: Option<Url>,
    /// Pages that came.
    pub(crate) number: u64,
    /// The body of the last one, as its hash.
    last: Option<u64>,
    ended: bool,
}

// === impl Connection ===

impl Connection {
    /// All pages of an action that declares `pagination`, one after the other as they are asked for. A failure is the last
    /// item. Without a limit of one's own there are as many as the API gives.
    pub fn pages(&self, message: Message) -> impl Stream<Item = Result<Answer, Failure>> + Send + use<> {
        stream::unfold(Pages::new(self.clone(), message), |mut pages| async move { Some((pages.next().await?, pages)) })
    }
}

// === impl Pages ===

impl Pages {
    pub(crate) fn new(connection: Connection, message: Message) -> Self {
        Self { connection, message, url: None, number: 0, last: None, ended: false }
    }

    /// Whether there is another page to ask for.
    pub(crate) fn has_next(&self) -> bool {
        !self.ended
    }

    /// The next page; `None` after the last one. After a failure there is none.
    pub(crate) async fn next(&mut self) -> Option<Result<Answer, Failure>> {
        if self.ended {
            return None;
        }
        let page = self.ask().await;
        self.ended |= page.is_err();
        Some(page)
    }

    /// The items of a page, each as its very text.
    pub(crate) fn items_of<'b>(&self, body: &'b [u8]) -> Vec<&'b str> {
        self.pagination().map(|pagination| items(&pagination, body)).unwrap_or_default()
    }

    fn pagination(&self) -> Result<Pagination, Failure> {
        let invalid = |why: &str| Failure::new(Code::InvalidMessage, why);
        let Target::Action(name) = &self.message.target else {
            return Err(invalid("only actions have pages; take `paginate` out, or send an action that declares them"));
        };
        let action = self.connection.loaded().action(name)?;
        action.pagination.clone().ok_or_else(|| {
            invalid(&format!(
                "the action `{name}` declares no `pagination`; take `paginate` out, or add it to the component"
            ))
        })
    }

    async fn ask(&mut self) -> Result<Answer, Failure> {
        let pagination = self.pagination()?;
        if self.message.idempotency_key.is_some() {
            let why = "each page is a request of its own, and a key is for one; take `idempotency_key` out";
            return Err(Failure::new(Code::InvalidMessage, why));
        }
        let (answer, url) = chain::run_at(&self.connection, &self.message, self.url.as_ref()).await?;
        self.number += 1;
        let found = items(&pagination, answer.bytes());
        let page = PageFacts {
            headers: &answer.headers,
            body: answer.bytes(),
            items: found.len(),
            last_item: found.last().copied(),
        };
        let body = hash(answer.bytes());
        if page.items > 0 && self.last.replace(body) == Some(body) {
            let why = "the API gave the same page again as the next one, so there would be no end; report it";
            return Err(Failure::new(Code::ResponseInvalid, why));
        }
        let step = next_page(&pagination, &page, |name| self.param(name));
        match step {
            Some(step) => self.take(step, &url)?,
            None => self.ended = true,
        }
        Ok(answer)
    }

    /// A parameter of the page that came last.
    fn param(&self, name: &str) -> Option<Value> {
        let given = self.message.params.get(name).filter(|value| !value.is_null());
        let Target::Action(action) = &self.message.target else { return None };
        let action = self.connection.loaded().action(action).ok()?;
        given.or_else(|| action.default_of(name)).cloned()
    }

    /// What every request of the account has in its query, a link has too: the token as it is then, not as it was.
    fn complete(&self, next: &mut Url) {
        let prepared = self.connection.prepared();
        let is_token = |name: &str| prepared.authorization_query.iter().any(|own| own == name);
        let pairs: Vec<(String, String)> = next.query_pairs().into_owned().collect();
        let missing = prepared.query.iter().filter(|(name, _)| !pairs.iter().any(|(known, _)| known == name));
        let missing: Vec<&(String, String)> = missing.collect();
        // Written anew only where it has to be: some servers sign their links.
        if pairs.iter().any(|(name, _)| is_token(name)) {
            let kept = pairs.iter().filter(|(name, _)| !is_token(name)).chain(missing);
            next.query_pairs_mut().clear().extend_pairs(kept);
        } else if !missing.is_empty() {
            next.query_pairs_mut().extend_pairs(missing.into_iter().map(|(name, value)| (name, value)));
        }
    }

    fn take(&mut self, step: Step, at: &Url) -> Result<(), Failure> {
        match step {
            Step::Param(name, value) => _ = self.message.params.insert(name, value),
            Step::Url(text) => {
                let mut next = at.join(&text).map_err(|_| {
                    Failure::new(Code::ResponseInvalid, "the API's link to the next page is no URL; report it")
                })?;
                // A link that leaves is followed by nobody, wherever else messages may go.
                if Origin::of(&next) != Origin::of(at) {
                    let why =
                        format!("the API's link to the next page leaves {}, so it is not followed", authority(at));
                    return Err(Failure::new(Code::UrlNotAllowed, why));
                }
                self.complete(&mut next);
                self.url = Some(next);
            }
        }
        Ok(())
    }
}

/// Two pages with one hash are one page: the odds of any other reading are 1 to 2^64.
fn hash(body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}

fn authority(url: &Url) -> String {
    Origin::of(url).map(|origin| format!("`{origin}`")).unwrap_or_default()
}
