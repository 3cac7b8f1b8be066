//! What recorders wrote, as text and JSON.

use opus_zarr::RecorderMetadata;
use serde::Serialize;

use crate::text::one_line;

/// What a recorder wrote, unless it wrote nothing.
#[derive(Serialize)]
pub(crate) struct Recorder {
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    firmware: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latitude: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    longitude: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    elevation_metres: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    battery_volts: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature_celsius: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outside_temperature_celsius: Option<f64>,
    pub(crate) fields: Vec<Field>,
}

/// A field of a part, such as `guano`.
#[derive(Serialize)]
pub(crate) struct Field {
    pub(crate) part: &'static str,
    pub(crate) name: String,
    pub(crate) value: String,
}

impl Recorder {
    pub(crate) fn of(found: RecorderMetadata) -> Option<Self> {
        if found.is_empty() {
            return None;
        }
        let fields = found.fields.into_iter().map(|field| Field {
            part: field.part,
            name: field.name,
            value: field.value,
        });
        Some(Self {
            device: found.device,
            serial: found.serial,
            firmware: found.firmware,
            latitude: found.position.map(|position| position.latitude),
            longitude: found.position.map(|position| position.longitude),
            elevation_metres: found.elevation,
            battery_volts: found.battery,
            temperature_celsius: found.temperature,
            outside_temperature_celsius: found.outside_temperature,
            fields: fields.collect(),
        })
    }

    /// The well-known values in words, each with what it is.
    pub(crate) fn known(&self) -> Vec<(&'static str, String)> {
        let device = [
            self.device.clone(),
            self.serial.as_ref().map(|serial| format!("serial {serial}")),
            self.firmware.as_ref().map(|firmware| format!("firmware {firmware}")),
        ];
        let metres = |elevation: f64| format!("{elevation} m");
        let place = [self.position().map(degrees), self.elevation_metres.map(metres)];
        let celsius = |celsius: f64| format!("{celsius} °C");
        let outside = self.outside_temperature_celsius.map(|it| format!("{} outside", celsius(it)));
        let temperature = [self.temperature_celsius.map(celsius), outside];
        let battery = [self.battery_volts.map(|volts| format!("{volts} V"))];
        let joined = |parts: &[Option<String>]| {
            let parts: Vec<String> = parts.iter().flatten().map(|part| one_line(part)).collect();
            parts.join(", ")
        };
        let known = [
            ("recorder", joined(&device)),
            ("position", joined(&place)),
            ("battery", joined(&battery)),
            ("temp", joined(&temperature)),
        ];
        known.into_iter().filter(|(_, text)| !text.is_empty()).collect()
    }

    fn position(&self) -> Option<(f64, f64)> {
        self.latitude.zip(self.longitude)
    }
}

fn degrees((latitude, longitude): (f64, f64)) -> String {
    let north = if latitude < 0.0 { 'S' } else { 'N' };
    let east = if longitude < 0.0 { 'W' } else { 'E' };
    format!("{}° {north}, {}° {east}", latitude.abs(), longitude.abs())
}
