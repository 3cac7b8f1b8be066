"""PyAV, torchcodec or soundfile as a peer; ../src/lib.rs describes requests and answers."""

import queue
import sys
import threading
import time

SECOND = 48_000


def pyav(path):
    import av
    import numpy

    file = av.open(path)
    stream = file.streams.audio[0]

    def second(at):
        # FFmpeg seeks to a page at or before this position and drops the pre-skip. The caller has
        # to add 80 ms of pre-roll.
        file.seek(max(at - 3840, 0), stream=stream)
        frames, first, end = [], None, 0
        for frame in file.decode(stream):
            first = frame.pts if first is None else first
            frames.append(frame.to_ndarray())
            end = frame.pts + frame.samples
            if end >= at + SECOND:
                break
        return numpy.concatenate(frames, axis=1)[:, at - first : at - first + SECOND]

    what = f"PyAV {av.__version__}, decoder {stream.codec_context.codec.name}"
    return what, second


def torchcodec(path):
    import torchcodec
    from torchcodec.decoders import AudioDecoder

    decoder = AudioDecoder(path)

    def second(at):
        samples = decoder.get_samples_played_in_range(at / SECOND, (at + SECOND) / SECOND)
        return samples.data.numpy()

    return f"torchcodec {torchcodec.__version__}", second


def soundfile(path):
    import soundfile

    file = soundfile.SoundFile(path)

    def second(at):
        file.seek(at)
        return file.read(SECOND, dtype="float32", always_2d=True).T

    return f"soundfile {soundfile.__version__}, {soundfile.__libsndfile_version__}", second


class Worker(threading.Thread):
    def __init__(self, open_file, path):
        super().__init__(daemon=True)
        self.open_file, self.path = open_file, path
        self.jobs, self.done = queue.Queue(), queue.Queue()
        self.start()
        self.what = self.done.get()

    def run(self):
        what, second = self.open_file(self.path)
        self.done.put(what)
        while True:
            times, samples = [], None
            for at in self.jobs.get():
                start = time.perf_counter_ns()
                samples = second(at)
                times.append(time.perf_counter_ns() - start)
            self.done.put((times, samples))


def times_of(workers, places):
    start = time.perf_counter_ns()
    for number, worker in enumerate(workers):
        worker.jobs.put(places[number :: len(workers)])
    each = [one for worker in workers for one in worker.done.get()[0]]
    return [time.perf_counter_ns() - start, *each]


def peak():
    with open("/proc/self/status") as status:
        return next(line.split()[1] for line in status if line.startswith("VmHWM:"))


def main():
    open_file = {"pyav": pyav, "torchcodec": torchcodec, "soundfile": soundfile}[sys.argv[1]]
    if len(sys.argv) == 2:
        # Only check that the package loads.
        modules = {"pyav": "av", "torchcodec": "torchcodec.decoders", "soundfile": "soundfile"}
        __import__(modules[sys.argv[1]])
        return
    workers = []
    for line in sys.stdin:
        request, *numbers = line.split()
        numbers = [int(number) for number in numbers]
        if request == "open":
            workers = [Worker(open_file, sys.argv[2]) for _ in range(numbers[0])]
            print(workers[0].what)
        elif request == "times":
            print(*times_of(workers, numbers))
        elif request == "samples":
            workers[0].jobs.put(numbers)
            samples = workers[0].done.get()[1]
            sys.stdout.buffer.write(samples.T.astype("<f4").tobytes())
        elif request == "peak":
            print(peak())
        sys.stdout.flush()


main()
