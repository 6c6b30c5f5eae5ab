//! Profiles and settings of the application.

use quarterdeck_iterm2::proto::{
    GetProfilePropertyRequest, GetProfilePropertyResponse, ListProfilesRequest,
    ListProfilesResponse, PreferencesRequest, PreferencesResponse, ProfileProperty,
    SetProfilePropertyRequest, SetProfilePropertyResponse, get_profile_property_response,
    list_profiles_response,
    preferences_request::request::Request,
    preferences_response::{self, result},
    set_profile_property_request::Target,
    set_profile_property_response,
};
use serde_json::Value;

use crate::application::Application;
use crate::profiles::{self, Profile};

/// The properties with these keys, or all.
fn chosen(profile: &Profile, keys: &[String]) -> Vec<ProfileProperty> {
    profile
        .iter()
        .filter(|(key, _)| keys.is_empty() || keys.contains(key))
        .map(|(key, value)| ProfileProperty {
            key: Some(key.clone()),
            json_value: Some(value.to_string()),
        })
        .collect()
}

impl Application {
    pub(crate) fn get_profile_property(
        &self,
        request: &GetProfilePropertyRequest,
    ) -> GetProfilePropertyResponse {
        use get_profile_property_response::Status;
        let id = self.resolve(request.session());
        let (status, properties) = match id.and_then(|id| self.sessions.get(&id)) {
            None => (Status::SessionNotFound, Vec::new()),
            Some(session) => (Status::Ok, chosen(&session.profile, &request.keys)),
        };
        GetProfilePropertyResponse {
            status: Some(status as i32),
            properties,
        }
    }

    pub(crate) fn set_profile_property(
        &mut self,
        request: &SetProfilePropertyRequest,
    ) -> SetProfilePropertyResponse {
        SetProfilePropertyResponse {
            status: Some(self.set_profile_properties(request) as i32),
        }
    }

    fn set_profile_properties(
        &mut self,
        request: &SetProfilePropertyRequest,
    ) -> set_profile_property_response::Status {
        use set_profile_property_response::Status;
        let single = request
            .key
            .as_deref()
            .map(|key| (key, request.json_value()));
        let several = request
            .assignments
            .iter()
            .map(|assignment| (assignment.key(), assignment.json_value()));
        let mut assignments: Vec<(&str, Value)> = Vec::new();
        for (key, json) in single.into_iter().chain(several) {
            match serde_json::from_str(json) {
                Ok(value) => assignments.push((key, value)),
                Err(_) => return Status::RequestMalformed,
            }
        }
        match &request.target {
            None => Status::RequestMalformed,
            Some(Target::Session(named)) => {
                let sessions = self.named(named);
                for session in &sessions {
                    if let Some(session) = self.sessions.get_mut(session) {
                        for (key, value) in &assignments {
                            session.profile.insert((*key).to_owned(), value.clone());
                        }
                    }
                }
                if sessions.is_empty() {
                    Status::SessionNotFound
                } else {
                    Status::Ok
                }
            }
            Some(Target::GuidList(list)) => {
                for guid in &list.guids {
                    for (key, value) in &assignments {
                        if !self.profiles.change(guid, key, value) {
                            return Status::BadGuid;
                        }
                    }
                }
                Status::Ok
            }
        }
    }

    pub(crate) fn list_profiles(&self, request: &ListProfilesRequest) -> ListProfilesResponse {
        let wanted = |profile: &Profile| {
            let guid = profiles::guid(profile);
            request.guids.is_empty() || request.guids.iter().any(|wanted| wanted == guid)
        };
        let listed = |profile: Profile| list_profiles_response::Profile {
            properties: chosen(&profile, &request.properties),
        };
        ListProfilesResponse {
            profiles: self
                .profiles
                .all()
                .into_iter()
                .filter(wanted)
                .map(listed)
                .collect(),
        }
    }

    pub(crate) fn preferences_request(
        &mut self,
        request: &PreferencesRequest,
    ) -> PreferencesResponse {
        let results = request
            .requests
            .iter()
            .map(|request| preferences_response::Result {
                result: Some(self.preference(request.request.as_ref())),
            })
            .collect();
        PreferencesResponse { results }
    }

    fn preference(&mut self, request: Option<&Request>) -> result::Result {
        use result::{
            GetDefaultProfileResult, GetPreferenceResult, SetDefaultProfileResult,
            SetPreferenceResult, UnrecognizedResult, set_default_profile_result,
            set_preference_result,
        };
        match request {
            None => result::Result::UnrecognizedRequest(UnrecognizedResult {}),
            Some(Request::GetDefaultProfileRequest(_)) => {
                result::Result::GetDefaultProfileResult(GetDefaultProfileResult {
                    guid: Some(self.profiles.default.clone()),
                })
            }
            Some(Request::SetDefaultProfileRequest(set)) => {
                use set_default_profile_result::Status;
                let known = self.profiles.by_guid(set.guid()).is_some();
                if known {
                    set.guid().clone_into(&mut self.profiles.default);
                }
                let status = if known { Status::Ok } else { Status::BadGuid };
                result::Result::SetDefaultProfileResult(SetDefaultProfileResult {
                    status: Some(status as i32),
                })
            }
            Some(Request::GetPreferenceRequest(get)) => {
                let value = self.preferences.get(get.key()).unwrap_or(&Value::Null);
                result::Result::GetPreferenceResult(GetPreferenceResult {
                    json_value: Some(value.to_string()),
                })
            }
            Some(Request::SetPreferenceRequest(set)) => {
                use set_preference_result::Status;
                let status = match serde_json::from_str(set.json_value()) {
                    Err(_) => Status::BadJson,
                    Ok(value) => {
                        self.preferences.insert(set.key().to_owned(), value);
                        Status::Ok
                    }
                };
                result::Result::SetPreferenceResult(SetPreferenceResult {
                    status: Some(status as i32),
                })
            }
        }
    }
}
