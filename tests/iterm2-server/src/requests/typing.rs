//! What is typed, what is shown without being written, and who has the application to himself.

use quarterdeck_iterm2::proto::{
    GetBroadcastDomainsResponse, InjectRequest, InjectResponse, SendTextRequest, SendTextResponse,
    SetBroadcastDomainsRequest, SetBroadcastDomainsResponse, TransactionRequest,
    TransactionResponse, inject_response, send_text_response, set_broadcast_domains_response,
    transaction_response,
};

use crate::application::{Application, ClientId};

impl Application {
    pub(crate) fn send_text(&mut self, request: &SendTextRequest) -> SendTextResponse {
        use send_text_response::Status;
        let sessions = self.named(request.session());
        for session in &sessions {
            self.type_into(session, request.text(), request.suppress_broadcast());
        }
        let status = if sessions.is_empty() {
            Status::SessionNotFound
        } else {
            Status::Ok
        };
        SendTextResponse {
            status: Some(status as i32),
        }
    }

    /// The sessions that an id means, where `all` is accepted.
    pub(crate) fn named(&self, id: &str) -> Vec<String> {
        if id == "all" {
            self.sessions.keys().cloned().collect()
        } else {
            self.resolve(id).into_iter().collect()
        }
    }

    /// Types into a session, and into those that are typed into together with it.
    pub(crate) fn type_into(&mut self, session: &str, text: &str, alone: bool) {
        let together = |domain: &&Vec<String>| !alone && domain.iter().any(|id| id == session);
        let alone = vec![session.to_owned()];
        let targets = self.broadcast.iter().find(together).unwrap_or(&alone);
        for target in targets {
            if let Some(session) = self.sessions.get(target).filter(|session| !session.ended) {
                session.program.write(text.as_bytes().to_vec());
            }
        }
    }

    pub(crate) fn inject(&mut self, request: &InjectRequest) -> InjectResponse {
        use inject_response::Status;
        let mut statuses = Vec::new();
        for named in &request.session_id {
            let sessions = self.named(named);
            for session in &sessions {
                self.show(session, request.data());
            }
            statuses.push(if sessions.is_empty() {
                Status::SessionNotFound as i32
            } else {
                Status::Ok as i32
            });
        }
        InjectResponse { status: statuses }
    }

    pub(crate) fn broadcast_domains(&self) -> GetBroadcastDomainsResponse {
        GetBroadcastDomainsResponse {
            broadcast_domains: self.domains(),
        }
    }

    pub(crate) fn set_broadcast_domains(
        &mut self,
        request: &SetBroadcastDomainsRequest,
    ) -> SetBroadcastDomainsResponse {
        use set_broadcast_domains_response::Status;
        let status = match self.check_domains(request) {
            Err(status) => status,
            Ok(domains) => {
                if domains != self.broadcast {
                    self.broadcast = domains;
                    self.tell_broadcast();
                }
                Status::Ok
            }
        };
        SetBroadcastDomainsResponse {
            status: Some(status as i32),
        }
    }

    fn check_domains(
        &self,
        request: &SetBroadcastDomainsRequest,
    ) -> Result<Vec<Vec<String>>, set_broadcast_domains_response::Status> {
        use set_broadcast_domains_response::Status;
        let mut seen = Vec::new();
        let mut domains = Vec::new();
        for domain in &request.broadcast_domains {
            let mut sessions = Vec::new();
            let mut window = None;
            for named in &domain.session_ids {
                let session = self.resolve(named).ok_or(Status::SessionNotFound)?;
                let (shown_in, _) = self
                    .layout
                    .showing(&session)
                    .ok_or(Status::SessionNotFound)?;
                if *window.get_or_insert(&shown_in.id) != &shown_in.id {
                    return Err(Status::SessionsNotInSameWindow);
                }
                if seen.contains(&session) {
                    return Err(Status::BroadcastDomainsNotDisjoint);
                }
                seen.push(session.clone());
                sessions.push(session);
            }
            domains.push(sessions);
        }
        Ok(domains)
    }

    pub(crate) fn transact(
        &mut self,
        client: ClientId,
        request: TransactionRequest,
    ) -> TransactionResponse {
        use transaction_response::Status;
        let status = match (request.begin(), self.transaction) {
            (true, Some(_)) => Status::AlreadyInTransaction,
            (false, None) => Status::NoTransaction,
            (begin, _) => {
                self.transaction = begin.then_some(client);
                Status::Ok
            }
        };
        TransactionResponse {
            status: Some(status as i32),
        }
    }
}
