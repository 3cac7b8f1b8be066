//! The parts of a file that recorders write.

use recorder_metadata::{
    AudioMothComment, Battery, Bext, Filter, Gain, Guano, Harp, Ixml, Stop, Threshold, Trigger,
    Wamd,
};

use super::RecorderMetadata;

impl RecorderMetadata {
    pub(super) fn read_part(&mut self, id: &str, bytes: &[u8]) {
        match id {
            "guan" => self.read_guano(&Guano::parse(bytes)),
            "wamd" => self.read_wamd(&Wamd::parse(bytes)),
            "bext" => {
                // An import reports what cannot be read.
                if let Ok(bext) = Bext::parse(bytes) {
                    self.read_bext(&bext);
                }
            }
            "iXML" => {
                let ixml = Ixml::parse(bytes);
                ixml.fields().for_each(|(name, value)| self.add("ixml", name, value));
            }
            "harp" => {
                // The number of channels only matters for later versions, whose table is not shown.
                if let Some(harp) = Harp::parse(bytes, 1) {
                    self.add("harp", "rate", format!("{} Hz", harp.rate()));
                    self.add("harp", "raw files", harp.raw_files().to_string());
                }
            }
            _ => {}
        }
    }

    fn read_guano(&mut self, guano: &Guano) {
        guano.fields().for_each(|(name, value)| self.add("guano", name, value));
        let made =
            [guano.make(), guano.model()].into_iter().flatten().collect::<Vec<_>>().join(" ");
        or_set(&mut self.device, Some(made).filter(|made| !made.is_empty()));
        or_set(&mut self.serial, guano.serial().map(str::to_owned));
        or_set(&mut self.firmware, guano.firmware_version().map(str::to_owned));
        or_set(&mut self.position, guano.position());
        or_set(&mut self.elevation, guano.elevation());
        or_set(&mut self.temperature, guano.temperature_internal());
        or_set(&mut self.outside_temperature, guano.temperature_external());
        or_set(&mut self.battery, guano.fields().find_map(volts));
    }

    fn read_wamd(&mut self, wamd: &Wamd) {
        for (number, name) in WAMD {
            if let Some(text) = wamd.text(number) {
                self.add("wamd", name, text);
            }
        }
        if wamd.time_expansion().get() > 1 {
            self.add("wamd", "time expansion", wamd.time_expansion().to_string());
        }
        or_set(&mut self.device, wamd.model());
        or_set(&mut self.serial, wamd.serial());
        or_set(&mut self.firmware, wamd.firmware_version());
        or_set(&mut self.position, wamd.position());
    }

    fn read_bext(&mut self, bext: &Bext) {
        for (name, text) in [
            ("description", &bext.description),
            ("originator", &bext.originator),
            ("originator reference", &bext.originator_reference),
            ("date", &bext.date),
            ("time", &bext.time),
            ("coding history", &bext.coding_history),
        ] {
            self.add("bext", name, text.trim_matches(is_padding));
        }
        if bext.time_reference > 0 {
            self.add("bext", "time reference", bext.time_reference.to_string());
        }
        if let Some(comment) = AudioMothComment::parse(&bext.description) {
            self.read_audiomoth(&comment);
        }
    }

    pub(super) fn read_audiomoth(&mut self, comment: &AudioMothComment) {
        let celsius = comment.temperature.map(|tenths| f64::from(tenths) / 10.0);
        let battery = comment.battery.map(|battery| match battery {
            Battery::Below(tenths) | Battery::At(tenths) | Battery::Above(tenths) => {
                f64::from(tenths) / 10.0
            }
        });
        for (name, value) in [
            ("device", comment.device.clone()),
            ("deployment", comment.deployment.clone()),
            ("microphone", comment.external_microphone.then(|| "external".to_owned())),
            ("gain", comment.gain.map(|gain| gain_text(gain).to_owned())),
            ("battery", comment.battery.map(battery_text)),
            ("temperature", celsius.map(|celsius| format!("{celsius:.1} °C"))),
            ("trigger", comment.trigger.map(trigger_text)),
            ("filter", comment.filter.map(filter_text)),
            ("stopped by", comment.stop.map(|stop| stop_text(stop).to_owned())),
            ("rest", Some(comment.rest.clone())),
        ] {
            self.add("audiomoth", name, value.unwrap_or_default());
        }
        or_set(&mut self.device, Some("AudioMoth".to_owned()));
        or_set(&mut self.serial, comment.device.clone());
        or_set(&mut self.battery, battery);
        or_set(&mut self.temperature, celsius);
    }
}

fn or_set<T>(value: &mut Option<T>, found: Option<T>) {
    if value.is_none() {
        *value = found;
    }
}

fn is_padding(character: char) -> bool {
    character.is_whitespace() || character == '\0'
}

/// Reads the voltage of the battery from a field of GUANO, which has no name of its own for it:
/// `OAD|Battery Voltage: 4.1`.
fn volts((name, value): (&str, &str)) -> Option<f64> {
    let name = name.rsplit('|').next().unwrap_or(name).to_ascii_lowercase();
    let number = value.trim_end_matches(['V', 'v']).trim_end();
    ["battery", "battery voltage"]
        .contains(&name.as_str())
        .then(|| number.parse().ok().filter(|volts: &f64| volts.is_finite()))?
}

fn gain_text(gain: Gain) -> &'static str {
    match gain {
        Gain::Low => "low",
        Gain::LowMedium => "low-medium",
        Gain::Medium => "medium",
        Gain::MediumHigh => "medium-high",
        Gain::High => "high",
    }
}

fn battery_text(battery: Battery) -> String {
    let volts = |tenths| format!("{}.{} V", tenths / 10, tenths % 10);
    match battery {
        Battery::Below(tenths) => format!("below {}", volts(tenths)),
        Battery::At(tenths) => volts(tenths),
        Battery::Above(tenths) => format!("above {}", volts(tenths)),
    }
}

fn trigger_text(trigger: Trigger) -> String {
    let (what, threshold, seconds) = match trigger {
        Trigger::Amplitude { threshold, minimum_seconds } => {
            ("amplitude".to_owned(), threshold, minimum_seconds)
        }
        Trigger::Frequency { hertz, threshold, minimum_seconds, .. } => {
            (format!("{hertz} Hz"), threshold, minimum_seconds)
        }
        _ => return "unknown".to_owned(),
    };
    let threshold = match threshold {
        Threshold::Amplitude(steps) => format!("{steps} steps"),
        Threshold::Decibels(decibels) => format!("{decibels} dB"),
        Threshold::Percent(percent) => format!("{percent} %"),
        _ => "unknown".to_owned(),
    };
    let least = seconds.map(|seconds| format!(" for {seconds} s")).unwrap_or_default();
    format!("{what} above {threshold}{least}")
}

fn filter_text(filter: Filter) -> String {
    match filter {
        Filter::LowPass { hertz } => format!("low-pass {hertz} Hz"),
        Filter::BandPass { lower_hertz, upper_hertz } => {
            format!("band-pass {lower_hertz} to {upper_hertz} Hz")
        }
        Filter::HighPass { hertz } => format!("high-pass {hertz} Hz"),
        _ => "unknown".to_owned(),
    }
}

fn stop_text(stop: Stop) -> &'static str {
    match stop {
        Stop::FileSizeLimit => "the limit of file sizes",
        Stop::LowVoltage => "low voltage",
        Stop::MagneticSwitch => "the magnetic switch",
        Stop::MicrophoneChange => "a change of microphone",
        Stop::SdCardWriteError => "an error of the SD card",
        Stop::SwitchPositionChange => "the switch",
        _ => "an unknown cause",
    }
}

/// The texts among the fields of `wamd`, as guano-py names them.
const WAMD: [(u16, &str); 15] = [
    (0x01, "model"),
    (0x02, "serial"),
    (0x03, "firmware"),
    (0x04, "prefix"),
    (0x05, "timestamp"),
    (0x06, "position"),
    (0x08, "software"),
    (0x09, "license"),
    (0x0A, "notes"),
    (0x0B, "auto id"),
    (0x0C, "manual id"),
    (0x0E, "auto id stats"),
    (0x11, "run state"),
    (0x12, "microphone"),
    (0x13, "sensitivity"),
];
