//! The pages of an action, one request after the other.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use bytes::Bytes;
use futures_util::{Stream, stream};
use keyway_component::{
    Origin,
    component::{Action, Pagination},
};
use url::Url;

use crate::{
    answer::Answer,
    chain,
    connection::Connection,
    failure::{Code, Failure},
    message::{Message, Target},
    next_page::{PageFacts, Step, items, next_page},
};

/// A page that came.
pub(crate) struct Page {
    pub(crate) answer: Answer,
    /// Its items, each as its very text.
    pub(crate) items: Vec<Bytes>,
}

/// The pages that are still to come.
pub(crate) struct Pages {
    connection: Connection,
    message: Message,
    /// Where the next page is; `None` for the first one, which the message itself asks for.
    url: Option<Url>,
    /// Pages that came.
    pub(crate) number: u64,
    /// The body of the last one, as its hash.
    last: Option<u64>,
    /// The steps that were taken, as their hashes.
    taken: HashSet<u64>,
    /// Why the page after the last one is not asked for.
    refused: Option<Failure>,
    ended: bool,
}

// === impl Connection ===

impl Connection {
    /// All pages of an action that declares `pagination`, one after the other as they are asked for. A failure is the last
    /// item. Without a limit of one's own there are as many as the API gives.
    pub fn pages(&self, message: Message) -> impl Stream<Item = Result<Answer, Failure>> + Send + use<> {
        let pages = Pages::new(self.clone(), message);
        stream::unfold(pages, |mut pages| async move { Some((pages.next().await?.map(|page| page.answer), pages)) })
    }
}

// === impl Pages ===

impl Pages {
    pub(crate) fn new(connection: Connection, message: Message) -> Self {
        Self {
            connection,
            message,
            url: None,
            number: 0,
            last: None,
            taken: HashSet::new(),
            refused: None,
            ended: false,
        }
    }

    /// Whether there is another page to ask for.
    pub(crate) fn has_next(&self) -> bool {
        !self.ended
    }

    /// The next page; `None` after the last one. After a failure there is none.
    pub(crate) async fn next(&mut self) -> Option<Result<Page, Failure>> {
        if self.ended {
            return None;
        }
        let page = match self.refused.take() {
            Some(refused) => Err(refused),
            None => self.ask().await,
        };
        self.ended |= page.is_err();
        Some(page)
    }

    async fn ask(&mut self) -> Result<Page, Failure> {
        let connection = self.connection.clone();
        let (action, pagination) = declared(&connection, &self.message)?;
        if self.message.idempotency_key.is_some() {
            let why = "each page is a request of its own, and a key is for one; take `idempotency_key` out";
            return Err(Failure::new(Code::InvalidMessage, why));
        }
        let (answer, url) = chain::run_at(&connection, &self.message, self.url.as_ref()).await?;
        self.number += 1;
        let found = items(pagination, answer.bytes());
        let body = hash(&answer.bytes());
        if !found.is_empty() && self.last.replace(body) == Some(body) {
            let why = "the API gave the same page again as the next one, so there would be no end; report it";
            return Err(Failure::new(Code::ResponseInvalid, why));
        }
        let facts = PageFacts { headers: &answer.headers, body: answer.bytes(), items: &found };
        let step = next_page(pagination, &facts, |name| action.param(&self.message.params, name).cloned());
        match step {
            // This page is a good one, wherever the next would be.
            Some(step) => self.refused = self.take(step, &url).err(),
            None => self.ended = true,
        }
        let items = found.into_iter().map(|item| answer.bytes().slice_ref(item.as_bytes())).collect();
        Ok(Page { answer, items })
    }

    fn take(&mut self, step: Step, at: &Url) -> Result<(), Failure> {
        if !self.taken.insert(hash(&step)) {
            let why = "the API leads back to a page that was had before, so there would be no end; report it";
            return Err(Failure::new(Code::ResponseInvalid, why));
        }
        match step {
            Step::Param(name, value) => _ = self.message.params.insert(name, value),
            Step::Url(text) => {
                let next = at.join(&text).map_err(|_| {
                    Failure::new(Code::ResponseInvalid, "the API's link to the next page is no URL; report it")
                })?;
                // A link that leaves is followed by nobody, wherever else messages may go.
                if Origin::of(&next) != Origin::of(at) {
                    let why =
                        format!("the API's link to the next page leaves {}, so it is not followed", authority(at));
                    return Err(Failure::new(Code::UrlNotAllowed, why));
                }
                self.url = Some(next);
            }
        }
        Ok(())
    }
}

/// The action that a message asks for, and how it has pages.
fn declared<'c>(connection: &'c Connection, message: &Message) -> Result<(&'c Action, &'c Pagination), Failure> {
    let invalid = |why: &str| Failure::new(Code::InvalidMessage, why);
    let Target::Action(name) = &message.target else {
        return Err(invalid("only actions have pages; take `paginate` out, or send an action that declares them"));
    };
    let action = connection.loaded().action(name)?;
    let pagination = action.pagination.as_ref().ok_or_else(|| {
        invalid(&format!(
            "the action `{name}` declares no `pagination`; take `paginate` out, or add it to the component"
        ))
    })?;
    Ok((action, pagination))
}

/// Two things with one hash are one: the odds of any other reading are 1 to 2^64.
fn hash(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

fn authority(url: &Url) -> String {
    Origin::of(url).map(|origin| format!("`{origin}`")).unwrap_or_default()
}
