#!/bin/sh
# Regenerates the recordings in this folder. Needs espeak-ng, sox and opusenc (Debian:
# apt-get install espeak-ng sox opus-tools). Other versions of these tools produce other bytes;
# the tests use the files in the repository.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

say() { # voice, words per minute, pitch, text -> $5
    espeak-ng -v "$1" -s "$2" -p "$3" -w raw.wav "$4"
    sox -R -v 0.9 raw.wav -r 48000 -c 1 "$5"
}

say en-gb 150 45 'Station four, sixth of May, five ten in the morning. Light wind from the west, eight degrees, no rain. The recorder is on the oak at the edge of the meadow, two metres above the ground.' a.wav
say en-us+f3 165 60 'I hear a song thrush, two blackbirds, and a wren close by. One car on the road behind us. The thrush repeats each phrase three or four times.' b.wav
say en-gb-scotland+m3 140 35 'End of the first walk. We come back at six, when the sun is over the trees. Please check the battery, and write down the number of the memory card.' c.wav

# A room, with the hiss of a small recorder.
sox -R a.wav b.wav c.wav speech.wav pad 0.4 0.6 reverb 18 gain -n -5
length=$(soxi -D speech.wav)
sox -R -n -r 48000 -c 1 noise.wav synth "$length" pinknoise gain -44
sox -R -m -v 1 speech.wav -v 1 noise.wav -b 16 mono.wav gain -n -3
opusenc --quiet --serial 1 --bitrate 24 --vbr --comp 10 --framesize 20 \
    --artist 'opus-zarr' --title 'Field notes at station four' --date 2026-11-22 \
    mono.wav "$here/field-notes.opus"

# Stereo: chirps and trills that sweep like bird song, left and right, over wind.
sox -R -n -r 48000 -c 1 left.wav synth 0.18 sine 3200:5600 synth 0.18 sine amod 41 \
    pad 0.31 0.27 repeat 15 gain -9
sox -R -n -r 48000 -c 1 right.wav synth 0.07 sine 7400:4100 pad 0.05 0.02 repeat 7 \
    pad 0.9 0.6 repeat 4 gain -12
sox -R -M left.wav right.wav birds.wav trim 0 12 reverb 30
sox -R -n -r 48000 -c 2 wind.wav synth 12 brownnoise brownnoise tremolo 0.3 70 gain -30
sox -R -m -v 1 birds.wav -v 1 wind.wav -b 16 stereo.wav gain -n -4
opusenc --quiet --serial 2 --bitrate 64 --vbr --comp 10 --framesize 20 --music \
    --artist 'opus-zarr' --title 'Chirps and wind' --date 2026-11-22 \
    stereo.wav "$here/chirps-stereo.opus"

# Speech with long pauses, at a low rate, with DTX (libopus control 4016): pauses take almost
# no data.
say en-gb 150 45 'Station four, six in the morning.' d.wav
say en-us+f3 165 60 'A wren, close by. Then nothing.' e.wav
say en-gb-scotland+m3 140 35 'The wren again, on the left, and a car.' f.wav
sox -R d.wav d-pause.wav pad 0 2.4
sox -R e.wav e-pause.wav pad 0 2.6
sox -R f.wav f-pause.wav pad 0 3.1
sox -R d-pause.wav e-pause.wav f-pause.wav e-pause.wav walk.wav reverb 18 gain -n -5
length=$(soxi -D walk.wav)
sox -R -n -r 48000 -c 1 hiss.wav synth "$length" pinknoise gain -60
sox -R -m -v 1 walk.wav -v 1 hiss.wav -b 16 pauses.wav gain -n -3
opusenc --quiet --serial 3 --bitrate 10 --vbr --comp 10 --framesize 20 --speech \
    --set-ctl-int 4016=1 --artist 'opus-zarr' --title 'Pauses' --date 2026-11-26 \
    pauses.wav "$here/pauses-dtx.opus"
