//! What is read of a certificate: its dates and its public key. Nothing else is looked at.

use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::time::Time;

use super::super::base64;
use super::super::invalid;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::limits::CERTIFICATE_MAX_BYTES;

const PEM_BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const PEM_END: &str = "-----END CERTIFICATE-----";

/// A certificate whose form is right.
pub(super) struct Certificate(x509_cert::Certificate);

impl Certificate {
    /// Reads DER, or the first certificate of a PEM.
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let pem = std::str::from_utf8(bytes).ok().and_then(first_of_pem);
        let decoded = match pem {
            Some(text) => {
                let der = base64::decode(text, CERTIFICATE_MAX_BYTES);
                let der = der.map_err(|_| malformed("its PEM holds no base64"))?;
                x509_cert::Certificate::from_der(&der)
            }
            None => x509_cert::Certificate::from_der(bytes),
        };
        decoded
            .map(Self)
            .map_err(|error| malformed(&error.to_string()))
    }

    /// Tests that the certificate counts at a time, both of its dates included.
    pub(super) fn check_time(&self, now: Timestamp) -> Result<()> {
        let validity = self.0.tbs_certificate().validity();
        let (from, until) = (stamp(validity.not_before), stamp(validity.not_after));
        if now < from {
            let message = format!("the certificate counts from {from} on, and it is {now}");
            return Err(invalid(message));
        }
        if now > until {
            let message = format!("the certificate counts until {until}, and it is {now}");
            return Err(invalid(message));
        }
        Ok(())
    }

    /// Returns the algorithm of the public key.
    pub(super) fn algorithm(&self) -> ObjectIdentifier {
        let key = self.0.tbs_certificate().subject_public_key_info();
        key.algorithm.oid
    }

    /// Returns the parameters of that algorithm, in DER with tag and length, or nothing.
    pub(super) fn parameters(&self) -> Result<Option<Vec<u8>>> {
        let key = self.0.tbs_certificate().subject_public_key_info();
        let parameters = key.algorithm.parameters.as_ref();
        let der = parameters.map(Encode::to_der).transpose();
        der.map_err(|error| malformed(&error.to_string()))
    }

    /// Returns the public key, encoded as its algorithm has it.
    pub(super) fn key_bytes(&self) -> Result<&[u8]> {
        let key = self.0.tbs_certificate().subject_public_key_info();
        let bytes = key.subject_public_key.as_bytes();
        bytes.ok_or_else(|| malformed("its public key is no whole number of bytes"))
    }
}

/// Makes the error for a certificate of which something cannot be read.
pub(super) fn malformed(what: &str) -> Error {
    invalid(format!("the certificate is malformed: {what}"))
}

/// Returns what stands between the borders of the first certificate; none if there are no borders.
fn first_of_pem(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(PEM_BEGIN)?;
    rest.split_once(PEM_END).map(|(first, _)| first)
}

fn stamp(time: Time) -> Timestamp {
    let micros = time.to_unix_duration().as_micros();
    Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}
