//! The interface that every kind of policy exports: `configure`.

use wasmtime::component::{Component, ComponentExportIndex, Instance, TypedFunc};
use wasmtime::{AsContextMut, Store};

use crate::calling::fault::{Fault, one_line};
use crate::calling::guest::Guest;
use crate::interface::version::WitVersion;
use crate::kinds::presentable::presentable_if_any;

const FUNCTION: &str = "configure";

/// Where `configure` is in one component.
#[derive(Clone)]
pub(crate) struct Configure(ComponentExportIndex);

/// Why an instance could not be configured.
#[derive(Debug)]
pub(crate) enum ConfigureError {
    /// The policy said no, in its own words.
    Refused(String),
    Fault(Fault),
}

impl From<Fault> for ConfigureError {
    fn from(fault: Fault) -> Self {
        ConfigureError::Fault(fault)
    }
}

impl Configure {
    /// Finds the function; `None` when the component has none of that name.
    pub(crate) fn find(component: &Component, version: WitVersion) -> Option<Self> {
        let interface = component.get_export_index(None, version.configuration())?;
        component
            .get_export_index(Some(&interface), FUNCTION)
            .map(Configure)
    }

    /// Calls it on a fresh instance. `config` is a JSON object.
    pub(crate) async fn call(
        &self,
        store: &mut Store<Guest>,
        instance: &Instance,
        config: &str,
    ) -> Result<(), ConfigureError> {
        type Answer = (Result<(), String>,);
        let function: TypedFunc<(&str,), Answer> = instance
            .get_typed_func(store.as_context_mut(), self.0)
            .map_err(|error| Fault::Garbage(one_line(&error)))?;
        let (answer,) = function
            .call_async(store, (config,))
            .await
            .map_err(|error| Fault::of_call(&error))?;
        answer.map_err(|text| {
            let reason = presentable_if_any(Some(&text), 2_000);
            ConfigureError::Refused(reason.unwrap_or_else(|| String::from("it gave no reason")))
        })
    }
}
