//! The request for an image as JSON.

use crate::error::{Error, ErrorCode, Result};
use crate::image::field::Field;
use crate::image::new::Owner;
use crate::image::rules::{self, NameClass};
use crate::image::schema;
use crate::image::{Limits, NewImage, Status};
use crate::json::{self, Json};

impl NewImage {
    /// Reads the body of a request to create an image, and tests what [`NewImage::check`] tests.
    ///
    /// Of a name that is repeated the last value counts. The empty object is a legal request.
    ///
    /// # Errors
    /// `BodyRequired` when there is no body; `MalformedJson`, `UnexpectedBody`; `ReadOnlyProperty`
    /// for names that are computed, whatever their values; `SchemaViolation` for values of the
    /// wrong type; then as [`NewImage::check`].
    ///
    /// # Examples
    /// ```
    /// use smalti::image::{Limits, NewImage, Visibility};
    ///
    /// let body = br#"{"name": "debian", "visibility": "private", "os_distro": "debian"}"#;
    /// let new = NewImage::from_json(Some(body), &Limits::default())?;
    /// assert_eq!(new.chosen_visibility(), Some(Visibility::Private));
    /// # Ok::<(), smalti::Error>(())
    /// ```
    pub fn from_json(body: Option<&[u8]>, limits: &Limits) -> Result<Self> {
        let object = json::object(body.unwrap_or_default())?;
        let computed = |name: &str| rules::classify(name) == NameClass::Computed;
        if let Some((name, _)) = object.iter().find(|(name, _)| computed(name)) {
            let message = format!("property name {name:?} is computed");
            return Err(Error::new(ErrorCode::ReadOnlyProperty, message));
        }
        let mut new = Self::default();
        for (name, value) in object {
            new.take(&name, value)?;
        }
        new.check(limits)?;
        Ok(new)
    }

    fn take(&mut self, name: &str, value: Json<'_>) -> Result<()> {
        if let Some(base) = Field::known(name) {
            self.put(Field::from_json(base, value)?);
            return Ok(());
        }
        let text = match rules::classify(name) {
            NameClass::Base => {
                self.id = Some(schema::word(name, &value)?);
                return Ok(());
            }
            // What only the engine sets has a schema too, which comes before the refusal; the name
            // is kept, so that it is refused in its turn.
            NameClass::ReadOnly => check_read_only(name, value).map(|()| String::new())?,
            NameClass::Locations => schema::entries(value).map(|_| String::new())?,
            NameClass::Custom | NameClass::Computed | NameClass::Reserved => {
                schema::property(name, value)?
            }
        };
        self.properties.insert(name.to_owned(), text);
        Ok(())
    }

    fn put(&mut self, field: Field) {
        match field {
            Field::Name(name) => self.name = name,
            Field::Visibility(visibility) => self.visibility = Some(visibility),
            Field::Protected(value) => self.protected = value,
            Field::Hidden(value) => self.os_hidden = value,
            Field::Owner(owner) => self.owner = Owner::Named(owner.unwrap_or_default()),
            Field::DiskFormat(format) => self.disk_format = format,
            Field::ContainerFormat(format) => self.container_format = format,
            Field::MinDisk(gb) => self.min_disk = gb,
            Field::MinRam(mb) => self.min_ram = mb,
            Field::Tags(tags) => self.tags = tags.into_iter().collect(),
        }
    }
}

/// Tests the schema of a base property that only the engine sets.
fn check_read_only(name: &str, value: Json<'_>) -> Result<()> {
    match name {
        "status" => schema::word::<Status>(name, &value).map(drop),
        "created_at" | "updated_at" => schema::text(name, value).map(drop),
        "checksum" => schema::short_text_or_null(name, value, 32),
        "os_hash_algo" => schema::short_text_or_null(name, value, 64),
        "os_hash_value" => schema::short_text_or_null(name, value, 128),
        _ if value == Json::Null => Ok(()),
        _ => schema::integer(name, &value).map(drop),
    }
}
