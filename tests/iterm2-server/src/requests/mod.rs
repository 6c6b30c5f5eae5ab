//! The answers to requests, one file for each subject.

mod functions;
mod moving;
mod notifications;
mod presets;
mod profiles;
mod properties;
mod screens;
mod sessions;
mod typing;
mod windows;

use quarterdeck_iterm2::proto::{
    client_originated_message::Submessage as Request, server_originated_message::Submessage,
};

use crate::application::{Application, ClientId};

impl Application {
    /// Carries out a request.
    pub(crate) fn answer(&mut self, client: ClientId, request: Request) -> Submessage {
        *self.served.entry(kind(&request)).or_default() += 1;
        match request {
            Request::ListSessionsRequest(_) => Submessage::ListSessionsResponse(self.list()),
            Request::CreateTabRequest(request) => {
                Submessage::CreateTabResponse(self.create_tab(&request))
            }
            Request::SplitPaneRequest(request) => {
                Submessage::SplitPaneResponse(self.split_pane(&request))
            }
            Request::SetTabLayoutRequest(request) => {
                Submessage::SetTabLayoutResponse(self.set_tab_layout(&request))
            }
            Request::ReorderTabsRequest(request) => {
                Submessage::ReorderTabsResponse(self.reorder_tabs(&request))
            }
            Request::ActivateRequest(request) => {
                Submessage::ActivateResponse(self.activate(&request))
            }
            Request::FocusRequest(_) => Submessage::FocusResponse(self.focus_response()),
            Request::CloseRequest(request) => Submessage::CloseResponse(self.close_all(&request)),
            Request::RestartSessionRequest(request) => {
                Submessage::RestartSessionResponse(self.restart_session(&request))
            }
            Request::SendTextRequest(request) => {
                Submessage::SendTextResponse(self.send_text(&request))
            }
            Request::InjectRequest(request) => Submessage::InjectResponse(self.inject(&request)),
            Request::GetBroadcastDomainsRequest(_) => {
                Submessage::GetBroadcastDomainsResponse(self.broadcast_domains())
            }
            Request::SetBroadcastDomainsRequest(request) => {
                Submessage::SetBroadcastDomainsResponse(self.set_broadcast_domains(&request))
            }
            Request::TransactionRequest(request) => {
                Submessage::TransactionResponse(self.transact(client, request))
            }
            Request::GetBufferRequest(request) => {
                Submessage::GetBufferResponse(self.get_buffer(&request))
            }
            Request::SelectionRequest(request) => {
                Submessage::SelectionResponse(self.selection(request))
            }
            Request::GetPromptRequest(request) => {
                Submessage::GetPromptResponse(self.get_prompt(&request))
            }
            Request::ListPromptsRequest(request) => {
                Submessage::ListPromptsResponse(self.list_prompts(&request))
            }
            Request::GetPropertyRequest(request) => {
                Submessage::GetPropertyResponse(self.get_property(&request))
            }
            Request::SetPropertyRequest(request) => {
                Submessage::SetPropertyResponse(self.set_property(&request))
            }
            Request::VariableRequest(request) => {
                Submessage::VariableResponse(self.variable_request(&request))
            }
            Request::GetProfilePropertyRequest(request) => {
                Submessage::GetProfilePropertyResponse(self.get_profile_property(&request))
            }
            Request::SetProfilePropertyRequest(request) => {
                Submessage::SetProfilePropertyResponse(self.set_profile_property(&request))
            }
            Request::ListProfilesRequest(request) => {
                Submessage::ListProfilesResponse(self.list_profiles(&request))
            }
            Request::PreferencesRequest(request) => {
                Submessage::PreferencesResponse(self.preferences_request(&request))
            }
            Request::ColorPresetRequest(request) => {
                Submessage::ColorPresetResponse(presets::answer(&request))
            }
            Request::InvokeFunctionRequest(request) => {
                Submessage::InvokeFunctionResponse(self.invoke(&request))
            }
            Request::NotificationRequest(request) => {
                Submessage::NotificationResponse(self.subscribe(client, request))
            }
        }
    }
}

/// The kinds that tests count.
fn kind(request: &Request) -> &'static str {
    match request {
        Request::SendTextRequest(_) => "send-text",
        Request::CreateTabRequest(_) => "create-tab",
        Request::SplitPaneRequest(_) => "split-pane",
        Request::GetBufferRequest(_) => "get-buffer",
        Request::NotificationRequest(_) => "notification",
        Request::ListSessionsRequest(_) => "list-sessions",
        _ => "other",
    }
}
