//! Profiles, and each session's own copy of one.

use serde_json::{Map, Value};

use crate::calls::{accept, ask, json};
use crate::client::Client;
use crate::error::CallError;
use crate::ids::SessionId;
use crate::proto::{
    GetProfilePropertyRequest, ListProfilesRequest, ProfileProperty, SetProfilePropertyRequest,
    set_profile_property_request::{Assignment, GuidList, Target},
};

/// Properties by key, for example `Badge Text` or `Tab Color`.
pub type Profile = Map<String, Value>;

/// Whose properties are changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProfileTarget {
    /// A session's own copy.
    Session(SessionId),
    /// Profiles, by their `Guid`.
    Profiles(Vec<String>),
}

fn profile(request: &'static str, properties: &[ProfileProperty]) -> Result<Profile, CallError> {
    let entry = |property: &ProfileProperty| {
        let value = json(request, property.json_value())?;
        Ok((property.key().to_owned(), value))
    };
    properties.iter().map(entry).collect()
}

impl Client {
    /// Properties of a session's copy of its profile; without keys all of them.
    pub async fn session_profile(
        &self,
        session: &SessionId,
        keys: &[&str],
    ) -> Result<Profile, CallError> {
        const NAME: &str = "profile properties";
        let request = GetProfilePropertyRequest {
            session: Some(session.0.clone()),
            keys: keys.iter().map(|&key| key.to_owned()).collect(),
        };
        let response = ask!(
            self,
            NAME,
            GetProfilePropertyRequest(request),
            GetProfilePropertyResponse
        );
        accept(NAME, response.status().as_str_name())?;
        profile(NAME, &response.properties)
    }

    /// Changes properties, several at once.
    pub async fn set_profile(
        &self,
        target: &ProfileTarget,
        changes: &[(&str, Value)],
    ) -> Result<(), CallError> {
        const NAME: &str = "a change of profile properties";
        let target = match target {
            ProfileTarget::Session(session) => Target::Session(session.0.clone()),
            ProfileTarget::Profiles(guids) => Target::GuidList(GuidList {
                guids: guids.clone(),
            }),
        };
        let assignment = |(key, value): &(&str, Value)| Assignment {
            key: Some((*key).to_owned()),
            json_value: Some(value.to_string()),
        };
        let request = SetProfilePropertyRequest {
            assignments: changes.iter().map(assignment).collect(),
            target: Some(target),
            ..SetProfilePropertyRequest::default()
        };
        let response = ask!(
            self,
            NAME,
            SetProfilePropertyRequest(request),
            SetProfilePropertyResponse
        );
        accept(NAME, response.status().as_str_name())
    }

    /// All profiles with these properties, or with all.
    pub async fn profiles(&self, keys: &[&str]) -> Result<Vec<Profile>, CallError> {
        const NAME: &str = "the list of profiles";
        let request = ListProfilesRequest {
            properties: keys.iter().map(|&key| key.to_owned()).collect(),
            guids: Vec::new(),
        };
        let response = ask!(
            self,
            NAME,
            ListProfilesRequest(request),
            ListProfilesResponse
        );
        let profiles = response.profiles.iter();
        profiles
            .map(|listed| profile(NAME, &listed.properties))
            .collect()
    }
}
