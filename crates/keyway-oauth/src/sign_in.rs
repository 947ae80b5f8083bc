//! How a person signs in: in a browser (RFC 6749 section 4.1, RFC 8252) or on another device (RFC 8628).
//!
//! [`AuthorizationRequest`] is what is asked and what the answer is held against; [`Loopback`] takes the answer from a
//! browser on this machine; [`SavedSignIns`] keep a request between two processes; [`DeviceSignIn`] asks until a person
//! has decided. What a person brings becomes a token by the same way as a renewal: under the lock, marked, stored
//! before it is used.

mod answer;
mod device;
mod flow;
mod loopback;
mod page;
mod redirect;
mod request;
mod saved;

pub use answer::{AnswerError, Code};
pub use device::{DeviceAuthorization, DeviceSignIn};
pub use flow::SignInError;
pub use loopback::{Callback, Loopback};
pub use page::Page;
pub use redirect::{LoopbackRedirect, Redirect};
pub use request::AuthorizationRequest;
pub use saved::SavedSignIns;
