"""The GPU: finding an adapter, buffers, compiled shaders and running them. The only module that knows wgpu.

`Gpu` may outlive its device: what has been lost is opened anew with `reopen`, and whoever holds buffers makes them
again, as `serial` tells.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftlab.errors import DriftlabError
from driftlab.gpu.shader import GROUP, Code

__all__ = ["Gpu", "GpuError", "GpuMemoryError"]


class GpuError(DriftlabError):
    """Nothing can be drawn on a GPU; the message is one sentence that says why."""


class GpuMemoryError(GpuError):
    """The GPU has not enough memory for what was asked; less at once may do."""


#: What wgpu raises of a device that is no more (and of much else: so what was asked is asked once again of a new one).
_LOST: Final = (RuntimeError, MemoryError)

#: Features and limits beyond those that every adapter has.
_WANTED: Final = ("max-storage-buffer-binding-size", "max-buffer-size", "max-storage-buffers-per-shader-stage")


class Gpu:
    """An adapter with an open device; raises GpuError where there is none."""

    def __init__(self) -> None:
        self.serial = 0
        self.reopen()

    def reopen(self) -> None:
        """Open a device, the first or, after a loss, another."""
        try:
            import wgpu
        except ImportError as error:
            raise GpuError(
                f"The GPU can't be used, for the package wgpu is not there ({error}): pip install 'driftlab[gui]'."
            ) from error
        logging.getLogger("wgpu").setLevel(logging.CRITICAL)  # what goes wrong is raised, or mended
        try:
            self._adapter = wgpu.gpu.request_adapter_sync(power_preference="high-performance")
        except (RuntimeError, OSError) as error:
            raise GpuError(
                "There is no GPU that Vulkan, Metal or Direct3D 12 can use: install its driver, "
                f"or Mesa's software Vulkan (mesa-vulkan-drivers). ({_line(error)})"
            ) from error
        if self._adapter is None:
            raise GpuError("There is no GPU that Vulkan, Metal or Direct3D 12 can use: install its driver.")
        limits = {name: self._adapter.limits[name] for name in _WANTED}
        try:
            self._device = self._adapter.request_device_sync(required_limits=limits)
        except (RuntimeError, wgpu.GPUError) as error:
            raise GpuError(f"The GPU '{self.name}' can't be opened: {_line(error)}.") from error
        self._usage = wgpu.BufferUsage
        self._failures = (*_LOST, wgpu.GPUError)
        self._pipelines: dict[str, tuple[Any, Any]] = {}
        self.serial += 1

    @property
    def name(self) -> str:
        """The adapter, to show: its device and its backend."""
        info = self._adapter.info
        return f"{info['device'] or info['vendor']}, {info['backend_type']}"

    @property
    def software(self) -> bool:
        """Whether the adapter is a program on the CPU."""
        return str(self._adapter.info["adapter_type"]) == "CPU"

    @property
    def largest(self) -> int:
        """Bytes of the largest buffer that a shader may read."""
        limits = self._device.limits
        return int(min(limits["max-storage-buffer-binding-size"], limits["max-buffer-size"]))

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """What is raised when the device is lost."""
        return self._failures

    def destroy(self) -> None:
        """Give the device back; what is asked of it afterwards fails, as after a loss."""
        self._device.destroy()

    def buffer(self, size: int) -> Any:
        """A buffer of so many bytes."""
        usage = self._usage.STORAGE | self._usage.COPY_DST | self._usage.COPY_SRC
        return self._device.create_buffer(size=max(-(-size // 4) * 4, 16), usage=usage)

    def write(self, buffer: Any, values: NDArray[Any]) -> None:
        """Fill a buffer from its beginning."""
        self._device.queue.write_buffer(buffer, 0, np.ascontiguousarray(values))

    def read(self, buffer: Any, dtype: Any, shape: tuple[int, ...]) -> NDArray[Any]:
        """What a buffer begins with."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        return np.frombuffer(self._device.queue.read_buffer(buffer, 0, size), dtype).reshape(shape)

    def commands(self) -> Any:
        """A list of passes to be filled by `dispatch` and handed to `submit`."""
        return self._device.create_command_encoder()

    def submit(self, commands: Any) -> None:
        """Run what was dispatched."""
        self._device.queue.submit([commands.finish()])

    def wait(self) -> None:
        """Return when all that was submitted is done: four bytes are read after it, as wgpu's own wait is broken."""
        self.read(self.buffer(4), np.float32, (1,))

    def dispatch(self, commands: Any, code: Code, buffers: Sequence[Any], width: int, height: int) -> None:
        """One pass over `width` x `height` pixels; `buffers` are facts, parameters, then what is read and written."""
        pipeline, layout = self._compiled(code)
        entries = [
            {"binding": k, "resource": {"buffer": buffer, "offset": 0, "size": buffer.size}}
            for k, buffer in enumerate(buffers)
        ]
        group = self._device.create_bind_group(layout=layout, entries=entries)
        step = commands.begin_compute_pass()
        step.set_pipeline(pipeline)
        step.set_bind_group(0, group)
        step.dispatch_workgroups(-(-width // GROUP[0]), -(-height // GROUP[1]))
        step.end()

    def _compiled(self, code: Code) -> tuple[Any, Any]:
        if code.text not in self._pipelines:
            kinds = ["read-only-storage"] * (2 + code.reads) + ["storage"] * code.writes
            # Written out, for the automatic layout leaves out what a shader happens not to use.
            layout = self._device.create_bind_group_layout(
                entries=[{"binding": k, "visibility": 4, "buffer": {"type": kind}} for k, kind in enumerate(kinds)]
            )
            pipeline = self._device.create_compute_pipeline(
                layout=self._device.create_pipeline_layout(bind_group_layouts=[layout]),
                compute={"module": self._device.create_shader_module(code=code.text), "entry_point": "main"},
            )
            self._pipelines[code.text] = pipeline, layout
        return self._pipelines[code.text]


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
