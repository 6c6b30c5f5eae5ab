//! What is typed, and what is shown without being written.

use crate::calls::{accept, ask};
use crate::client::Client;
use crate::error::CallError;
use crate::ids::SessionId;
use crate::proto::{
    BroadcastDomain, GetBroadcastDomainsRequest, InjectRequest, SendTextRequest,
    SetBroadcastDomainsRequest, TransactionRequest,
};

impl Client {
    /// Types text, as it is: no line end is added. `alone` keeps it to this session where several
    /// are typed into together. After an uncertain error the text may have been typed.
    pub async fn send_text(
        &self,
        session: &SessionId,
        text: &str,
        alone: bool,
    ) -> Result<(), CallError> {
        const NAME: &str = "text to type";
        let request = SendTextRequest {
            session: Some(session.0.clone()),
            text: Some(text.to_owned()),
            suppress_broadcast: Some(alone),
        };
        let response = ask!(self, NAME, SendTextRequest(request), SendTextResponse);
        accept(NAME, response.status().as_str_name())
    }

    /// Shows bytes in a session as if its program had written them.
    pub async fn inject(&self, session: &SessionId, bytes: &[u8]) -> Result<(), CallError> {
        const NAME: &str = "output to show";
        let request = InjectRequest {
            session_id: vec![session.0.clone()],
            data: Some(bytes.to_vec()),
        };
        let response = ask!(self, NAME, InjectRequest(request), InjectResponse);
        for status in response.status() {
            accept(NAME, status.as_str_name())?;
        }
        Ok(())
    }

    /// Which sessions are typed into together.
    pub async fn broadcast_domains(&self) -> Result<Vec<Vec<SessionId>>, CallError> {
        let response = ask!(
            self,
            "the broadcast domains",
            GetBroadcastDomainsRequest(GetBroadcastDomainsRequest {}),
            GetBroadcastDomainsResponse
        );
        let ids = |domain: BroadcastDomain| domain.session_ids.into_iter().map(SessionId).collect();
        Ok(response.broadcast_domains.into_iter().map(ids).collect())
    }

    /// Says which sessions are typed into together: groups without a session in common, each in
    /// one window.
    pub async fn set_broadcast_domains(&self, domains: &[Vec<SessionId>]) -> Result<(), CallError> {
        const NAME: &str = "broadcast domains";
        let domain = |sessions: &Vec<SessionId>| BroadcastDomain {
            session_ids: sessions.iter().map(|id| id.0.clone()).collect(),
        };
        let request = SetBroadcastDomainsRequest {
            broadcast_domains: domains.iter().map(domain).collect(),
        };
        let response = ask!(
            self,
            NAME,
            SetBroadcastDomainsRequest(request),
            SetBroadcastDomainsResponse
        );
        accept(NAME, response.status().as_str_name())
    }

    /// Begins a transaction: iTerm2 stands still for everybody else until it ends, or until the
    /// connection does.
    pub async fn begin_transaction(&self) -> Result<(), CallError> {
        self.transact(true).await
    }

    /// Ends a transaction.
    pub async fn end_transaction(&self) -> Result<(), CallError> {
        self.transact(false).await
    }

    async fn transact(&self, begin: bool) -> Result<(), CallError> {
        const NAME: &str = "a transaction";
        let request = TransactionRequest { begin: Some(begin) };
        let response = ask!(self, NAME, TransactionRequest(request), TransactionResponse);
        accept(NAME, response.status().as_str_name())
    }
}
