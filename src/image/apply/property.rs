//! Custom properties under the protections of the operator: what a caller cannot read is absent to
//! it, and survives what it does.

use crate::error::{Error, ErrorCode, Result};
use crate::image::PropertyAction;
use crate::image::apply::Work;
use crate::image::apply::base::exists;
use crate::image::patch::Setting;
use crate::image::rules;

impl Work<'_> {
    pub(super) fn set_property(&mut self, setting: Setting, name: &str, value: &str) -> Result<()> {
        self.gate.modify(&self.image)?;
        let action = match (setting, self.shows(name)) {
            (Setting::Replace, false) => return Err(missing(name)),
            (Setting::Add, true) if self.refuses_to_overwrite(setting) => return Err(exists(name)),
            (_, true) => PropertyAction::Update,
            (Setting::Add, false) => PropertyAction::Create,
        };
        self.expect_allowed(name, action)?;
        let properties = &mut self.image.0.properties;
        properties.insert(name, value);
        Ok(())
    }

    pub(super) fn remove_property(&mut self, name: &str) -> Result<()> {
        self.gate.modify(&self.image)?;
        if !self.shows(name) {
            return Err(missing(name));
        }
        self.expect_allowed(name, PropertyAction::Delete)?;
        self.image.0.properties.remove(name);
        Ok(())
    }

    /// Tells whether the property is there, as far as the caller can tell.
    fn shows(&self, name: &str) -> bool {
        self.image.property(name).is_some() && self.gate.property(name, PropertyAction::Read)
    }

    fn expect_allowed(&self, name: &str, action: PropertyAction) -> Result<()> {
        if self.gate.property(name, action) {
            Ok(())
        } else {
            Err(protected(name))
        }
    }
}

/// Makes the error for a property that is protected against the caller.
pub(in crate::image) fn protected(name: &str) -> Error {
    let message = format!("property {} is protected", rules::shown(name));
    Error::new(ErrorCode::ReservedProperty, message)
}

fn missing(name: &str) -> Error {
    let message = format!("property {} does not exist", rules::shown(name));
    Error::new(ErrorCode::PropertyMissing, message)
}
