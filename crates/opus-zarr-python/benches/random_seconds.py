"""Random seconds of a long recording: opus_zarr next to what people use today, in one run.

    python benches/random_seconds.py [--minutes 60] [--reads 300] [--batches 12] [--audio FILE]

Every reader returns float32 samples of the same audio, from files in the page cache. Opus readers read the
same Opus stream, the others its decoded samples. Packages that are not installed are left out. Needs the
extra ``torch``, soundfile, zarr and psutil; librosa and torchcodec if you want them compared.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import typing
import urllib.request
import warnings
import wave

import numpy as np
import numpy.typing as npt
import torch
import torch.utils.data

import opus_zarr
import opus_zarr.torch

Samples = npt.NDArray[np.float32]
Read = typing.Callable[[int], Samples]

RATE = 48_000
BATCH = 64


class Places(typing.NamedTuple):
    """The same audio in every form."""

    folder: str
    store: str
    opus: str
    wav: str
    zarr: str


def main() -> None:
    arguments = _arguments()
    warnings.filterwarnings("ignore")
    with tempfile.TemporaryDirectory() as folder:
        places = prepare(pathlib.Path(folder), arguments.minutes, arguments.audio)
        frames = opus_zarr.open(places.store).frames
        starts = np.random.default_rng(1).integers(0, frames - RATE, arguments.reads).tolist()
        print(f"{frames / RATE / 60:.1f} minutes, {arguments.reads} reads of one second, p50 and p95\n")
        print_reads(places, starts)
        print(f"\nDataLoader, batches of {BATCH} seconds\n")
        print_loaders(places, frames, arguments.batches)
        print(f"\nOver HTTP on loopback, each request {arguments.latency:g} ms late\n")
        print_remote(places, starts[: arguments.reads // 5], arguments.latency)


def prepare(folder: pathlib.Path, minutes: float, audio: str | None) -> Places:
    """Makes an archive of one recording, and its stream and samples in files of their own."""
    source = folder / "dawn.wav"
    if audio is None:
        _write_synthetic(source, minutes)
    url = str(folder / "archive.zarr")
    (imported,) = opus_zarr.import_(audio or source, url, exact=True)
    rec = opus_zarr.open(f"{url}/{imported.name}")
    places = Places(str(folder), rec.url, *(str(folder / name) for name in ("a.opus", "a.wav", "pcm.zarr")))
    pathlib.Path(places.opus).write_bytes(rec.ogg_opus())
    pcm = rec.with_output(channels="mono").read(dtype="int16")
    with wave.open(places.wav, "wb") as file:
        file.setparams((1, 2, RATE, len(pcm), "NONE", ""))
        file.writeframes(pcm.tobytes())
    import zarr
    import zarr.codecs

    blosc = zarr.codecs.BloscCodec(cname="zstd", clevel=5, typesize=2)
    zarr.create_array(places.zarr, data=pcm[:, 0], chunks=(RATE,), compressors=blosc)
    source.unlink(missing_ok=True)
    return places


def print_reads(places: Places, starts: list[int]) -> None:
    expected = [open_opus_zarr(places)(start) for start in starts[:20]]
    base = None
    print("| reader | p50 ms | p95 ms | times | largest difference | MB |\n|---|---|---|---|---|---|")
    for name, (opener, file) in READERS.items():
        if not _is_installed(opener):
            continue
        read = opener(places)
        found = [read(start) for start in starts[:20]]
        off = max(float(np.abs(a - b).max()) for a, b in zip(found, expected))
        p50, p95 = _timed(read, starts)
        base = base or p50
        size = _size(getattr(places, file)) / 1e6
        print(f"| {name} | {p50:.2f} | {p95:.2f} | {p50 / base:.1f} | {off:.0e} | {size:.0f} |")


def print_loaders(places: Places, frames: int, batches: int) -> None:
    print("| dataset | workers | clips/s | times | RSS per worker, MB | of its own, MB |")
    print("|---|---|---|---|---|---|")
    bases: dict[int, float] = {}
    count = BATCH * (batches + 2)
    for name in ["opus_zarr Crops", *READERS]:
        dataset: typing.Any
        if name == "opus_zarr Crops":
            store = places.store.rpartition("/")[0]
            rows = opus_zarr.open_store(store).catalogue()
            all_crops = opus_zarr.torch.Crops(rows, 1, seed=1, store=store, channels="mono")
            dataset = torch.utils.data.Subset(all_crops, [at % len(all_crops) for at in range(count)])
        elif _is_installed(READERS[name][0]):
            starts = np.random.default_rng(2).integers(0, frames - RATE, count)
            dataset = Seconds(places, name, starts.tolist())
        else:
            continue
        for workers in (1, 2):
            speed, rss, own = _loader_speed(dataset, workers, batches)
            base = bases.setdefault(workers, speed)
            speeds = f"{speed:.0f} | {speed / base:.2f}"
            print(f"| {name} | {workers} | {speeds} | {rss / 1e6:.0f} | {own / 1e6:.0f} |")


def print_remote(places: Places, starts: list[int], latency: float) -> None:
    base = None
    print("| reader | open ms | requests | p50 ms | p95 ms | times | requests/read | kB/read |")
    print("|---|---|---|---|---|---|---|---|")
    with _served(places.folder, latency) as port:
        for name, opener in REMOTE.items():
            began = time.perf_counter()
            read = opener(places, port)
            read(starts[0])
            opened = (time.perf_counter() - began) * 1000
            opening = _counts(port)
            p50, p95 = _timed(read, starts)
            counts = _counts(port)
            base = base or p50
            print(
                f"| {name} | {opened:.0f} | {opening['requests']} | {p50:.1f} | {p95:.1f} | {p50 / base:.1f} "
                f"| {counts['requests'] / len(starts):.1f} | {counts['bytes'] / len(starts) / 1000:.0f} |"
            )
        print_batches(places, starts, port)


def print_batches(places: Places, starts: list[int], port: int) -> None:
    """Many seconds at once, which wait for the network at the same time."""
    rec = _remote_recording(places, port)
    rec.read(0, RATE)
    _counts(port)
    began = time.perf_counter()
    rec.read_many(starts, RATE)
    seconds, counts = time.perf_counter() - began, _counts(port)
    print(
        f"\nread_many of {len(starts)} seconds: {seconds * 1000:.0f} ms, {counts['requests']} requests, "
        f"{len(starts) / seconds:.0f} seconds/s"
    )


class Seconds(torch.utils.data.Dataset[torch.Tensor]):
    """Seconds from given starts. Each worker opens the audio itself."""

    def __init__(self, places: Places, reader: str, starts: list[int]) -> None:
        self.places, self.reader, self.starts = places, reader, starts
        self.read: Read | None = None

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, number: int) -> torch.Tensor:
        if self.read is None:
            self.read = READERS[self.reader][0](self.places)
        return torch.from_numpy(self.read(self.starts[number])[None])


# Readers: each returns a second of one channel.


def open_opus_zarr(places: Places) -> Read:
    return _reader(opus_zarr.open(places.store))


def open_opus_zarr_file(places: Places) -> Read:
    return _reader(opus_zarr.open(places.opus))


def _reader(rec: opus_zarr.Recording) -> Read:
    mono = rec if rec.channels == 1 else rec.with_output(channels="mono")
    return lambda start: typing.cast("Samples", mono.read(start, start + RATE)[:, 0])


def open_soundfile(places: Places) -> Read:
    soundfile: typing.Any = importlib.import_module("soundfile")
    file = soundfile.SoundFile(places.opus)

    def read(start: int) -> Samples:
        file.seek(start)
        return typing.cast("Samples", file.read(RATE, "float32", always_2d=True).mean(1))

    return read


def open_torchcodec(places: Places) -> Read:
    decoders: typing.Any = importlib.import_module("torchcodec.decoders")
    decoder = decoders.AudioDecoder(places.opus, num_channels=1)

    def read(start: int) -> Samples:
        found = decoder.get_samples_played_in_range(start / RATE, (start + RATE) / RATE)
        return typing.cast("Samples", found.data[0].numpy())

    return read


def open_librosa(places: Places) -> Read:
    import librosa

    def read(start: int) -> Samples:
        # librosa rounds the offset down to a frame.
        offset = (start + 0.5) / RATE
        return typing.cast("Samples", librosa.load(places.opus, sr=None, offset=offset, duration=1)[0])

    return read


def open_mapped(places: Places) -> Read:
    pcm = np.memmap(places.wav, "<i2", "r", offset=44)
    return lambda start: pcm[start : start + RATE].astype(np.float32) / np.float32(32_768)


def open_zarr(places: Places) -> Read:
    return _zarr_reader(places.zarr)


def _zarr_reader(url: str) -> Read:
    import zarr

    pcm: typing.Any = zarr.open_array(url, mode="r")
    return lambda start: typing.cast("Samples", pcm[start : start + RATE].astype(np.float32) / 32_768)


#: How each opens, and the form of the audio that it reads.
READERS: dict[str, tuple[typing.Callable[[Places], Read], str]] = {
    "opus_zarr": (open_opus_zarr, "store"),
    "opus_zarr, plain .opus": (open_opus_zarr_file, "opus"),
    "soundfile, .opus": (open_soundfile, "opus"),
    "torchcodec, .opus": (open_torchcodec, "opus"),
    "librosa, .opus": (open_librosa, "opus"),
    "mapped WAV": (open_mapped, "wav"),
    "zarr int16 blosc": (open_zarr, "zarr"),
}


def remote_opus_zarr(places: Places, port: int) -> Read:
    return _reader(_remote_recording(places, port))


def remote_soundfile(places: Places, port: int) -> Read:
    soundfile: typing.Any = importlib.import_module("soundfile")
    fsspec: typing.Any = importlib.import_module("fsspec")
    file = soundfile.SoundFile(fsspec.open(_url(port, "a.opus")).open())

    def read(start: int) -> Samples:
        file.seek(start)
        return typing.cast("Samples", file.read(RATE, "float32", always_2d=True)[:, 0])

    return read


def remote_zarr(places: Places, port: int) -> Read:
    return _zarr_reader(_url(port, "pcm.zarr"))


REMOTE: dict[str, typing.Callable[[Places, int], Read]] = {
    "opus_zarr, s3://": remote_opus_zarr,
    "soundfile, fsspec": remote_soundfile,
    "zarr int16 blosc, fsspec": remote_zarr,
}


def _remote_recording(places: Places, port: int) -> opus_zarr.Recording:
    options = {
        "aws_endpoint": f"http://127.0.0.1:{port}",
        "aws_allow_http": "true",
        "aws_access_key_id": "a",
        "aws_secret_access_key": "b",
        "aws_region": "us-east-1",
    }
    key = pathlib.Path(places.store).relative_to(places.folder).as_posix()
    return opus_zarr.open(f"s3://bucket/{key}", storage_options=options)


def _url(port: int, name: str) -> str:
    return f"http://127.0.0.1:{port}/bucket/{name}"


@contextlib.contextmanager
def _served(folder: str, latency: float) -> typing.Iterator[int]:
    script = pathlib.Path(__file__).with_name("slow_s3.py")
    command = [sys.executable, str(script), folder, str(latency)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None and server.stdout is not None
        yield int(server.stdout.readline())
        server.stdin.close()


def _counts(port: int) -> dict[str, int]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        return {"requests": 0, "bytes": 0, **json.load(answer)}


def _timed(read: Read, starts: list[int]) -> tuple[float, float]:
    """p50 and p95 in milliseconds."""
    times = []
    for start in starts:
        began = time.perf_counter()
        samples = read(start)
        times.append((time.perf_counter() - began) * 1000)
        assert samples.shape == (RATE,) and samples.dtype == np.float32, (samples.shape, samples.dtype)
    p50, p95 = np.percentile(times, [50, 95])
    return float(p50), float(p95)


def _loader_speed(dataset: typing.Any, workers: int, batches: int) -> tuple[float, float, float]:
    """Clips per second, and the memory of a worker: all, and what it shares with none."""
    loader = iter(torch.utils.data.DataLoader(dataset, batch_size=BATCH, num_workers=workers))
    # Workers start and read ahead.
    for _ in range(workers):
        next(loader)
    began = time.perf_counter()
    passed = sum(1 for _ in zip(range(batches - workers), loader))
    speed = passed * BATCH / (time.perf_counter() - began)
    psutil: typing.Any = importlib.import_module("psutil")
    memory = [child.memory_full_info() for child in psutil.Process().children() if child.is_running()]
    count = max(len(memory), 1)
    return speed, sum(it.rss for it in memory) / count, sum(it.uss for it in memory) / count


def _write_synthetic(path: pathlib.Path, minutes: float) -> None:
    """Chirps over noise, as birds over wind."""
    rng = np.random.default_rng(0)
    time_ = np.arange(RATE) / RATE
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        for _ in range(round(minutes * 60)):
            pitch, rise = rng.uniform(1_500, 6_000), rng.uniform(-2_000, 2_000)
            envelope = np.clip(np.sin(2 * np.pi * (rng.uniform(1, 6) * time_ + rng.uniform())), 0, 1)
            signal = 0.2 * envelope * np.sin(2 * np.pi * (pitch + rise * time_ / 2) * time_)
            signal += 0.02 * rng.standard_normal(RATE)
            file.writeframes((np.clip(signal, -1, 1) * 32_767).astype("<i2").tobytes())


def _is_installed(opener: typing.Callable[..., object]) -> bool:
    package = opener.__name__.removeprefix("open_")
    return package not in ("soundfile", "torchcodec", "librosa") or bool(importlib.util.find_spec(package))


def _size(path: str) -> int:
    place = pathlib.Path(path)
    files = [place] if place.is_file() else place.rglob("*")
    return sum(file.stat().st_size for file in files)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--minutes", type=float, default=60, help="length of synthetic audio")
    parser.add_argument("--audio", help="a file to import instead, at 48 kHz")
    parser.add_argument("--reads", type=int, default=300)
    parser.add_argument("--batches", type=int, default=12)
    parser.add_argument("--latency", type=float, default=20, help="of each request, in milliseconds")
    return parser.parse_args()


if __name__ == "__main__":
    main()
