//! Profiles: those that the application brings, and dynamic ones from files.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Properties by key, `Guid` and `Name` among them.
pub(crate) type Profile = Map<String, Value>;

#[derive(Debug)]
pub(crate) struct Profiles {
    own: Vec<Profile>,
    /// `Guid` of the default profile.
    pub(crate) default: String,
    /// Folder of the dynamic profiles.
    folder: PathBuf,
}

fn color(red: f64, green: f64, blue: f64) -> Value {
    json!({
        "Red Component": red, "Green Component": green, "Blue Component": blue,
        "Alpha Component": 1, "Color Space": "sRGB",
    })
}

fn profile(name: &str) -> Profile {
    let properties = json!({
        "Guid": Uuid::new_v4().to_string().to_uppercase(),
        "Name": name,
        "Badge Text": "",
        "Use Tab Color": false,
        "Tab Color": color(0.0, 0.0, 0.0),
        "Background Color": color(0.0, 0.0, 0.0),
        "Foreground Color": color(0.75, 0.75, 0.75),
        "Cursor Color": color(0.75, 0.75, 0.75),
        "Custom Command": "No",
        "Command": "",
        "Custom Directory": "No",
        "Working Directory": "",
        "Initial Text": "",
        "Close Sessions On End": true,
        "Columns": 80,
        "Rows": 25,
        "Tags": [],
    });
    match properties {
        Value::Object(properties) => properties,
        _ => Profile::new(),
    }
}

impl Profiles {
    pub(crate) fn new(folder: PathBuf) -> Self {
        let own = vec![profile("Default"), profile("Light")];
        Self {
            default: guid(&own[0]).to_owned(),
            own,
            folder,
        }
    }

    /// All profiles. The files of dynamic ones are read each time, which is as good as being
    /// watched.
    pub(crate) fn all(&self) -> Vec<Profile> {
        let mut all = self.own.clone();
        for mut dynamic in read_dynamic(&self.folder) {
            let parent = dynamic
                .get("Dynamic Profile Parent GUID")
                .and_then(Value::as_str)
                .and_then(|parent| self.own.iter().find(|own| guid(own) == parent))
                .unwrap_or(&self.own[0]);
            for (key, value) in parent {
                dynamic.entry(key).or_insert_with(|| value.clone());
            }
            all.push(dynamic);
        }
        all
    }

    pub(crate) fn by_guid(&self, wanted: &str) -> Option<Profile> {
        self.all()
            .into_iter()
            .find(|profile| guid(profile) == wanted)
    }

    /// The profile of a name, or the default one.
    pub(crate) fn by_name(&self, name: Option<&str>) -> Option<Profile> {
        match name {
            None => self.by_guid(&self.default),
            Some(name) => self
                .all()
                .into_iter()
                .find(|profile| profile.get("Name").and_then(Value::as_str) == Some(name)),
        }
    }

    /// Changes a profile; false if there is none of that id, or if it comes from a file.
    pub(crate) fn change(&mut self, wanted: &str, key: &str, value: &Value) -> bool {
        let own = self.own.iter_mut().find(|profile| guid(profile) == wanted);
        own.map(|profile| profile.insert(key.to_owned(), value.clone()))
            .is_some()
    }
}

pub(crate) fn guid(profile: &Profile) -> &str {
    text(profile, "Guid")
}

/// A property that is a text, or nothing.
pub(crate) fn text<'a>(profile: &'a Profile, key: &str) -> &'a str {
    profile.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn read_dynamic(folder: &Path) -> Vec<Profile> {
    let Ok(files) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = files.flatten().map(|file| file.path()).collect();
    paths.sort();
    let read = |path: PathBuf| -> Option<Vec<Profile>> {
        let document: Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
        let profiles = document.get("Profiles")?.as_array()?;
        let named = |profile: &&Value| profile["Guid"].is_string() && profile["Name"].is_string();
        let profiles = profiles.iter().filter(named);
        Some(
            profiles
                .filter_map(|profile| profile.as_object().cloned())
                .collect(),
        )
    };
    paths.into_iter().filter_map(read).flatten().collect()
}
