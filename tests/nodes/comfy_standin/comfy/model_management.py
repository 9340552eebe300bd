"""Stand-in: device, memory and interruption. Tests set `interrupted` and read `freed`."""

import torch

interrupted = False
freed: list[float] = []


class InterruptProcessingException(Exception):
    pass


def throw_exception_if_processing_interrupted():
    global interrupted
    if interrupted:
        interrupted = False
        raise InterruptProcessingException


def interrupt_current_processing(value=True):
    global interrupted
    interrupted = value


def get_torch_device():
    return torch.device("cpu")


def intermediate_device():
    return torch.device("cpu")


def minimum_inference_memory():
    return 1024 * 1024 * 1024


def free_memory(memory_required, device, keep_loaded=()):
    freed.append(memory_required)
