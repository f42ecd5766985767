"""Checkpoints as torch writes them, with what they hold in safetensors beside them. Needs torch and safetensors; the files are committed:

    python test/checkpoint/fixtures.py
"""
import io
import os
import sys
import types
import zipfile
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import save_file

OUT = Path(__file__).parent / 'fixtures'
# The older format carries the source of each class along; a line of it is enough here.
torch.serialization.get_source_lines_and_file = lambda cls: ([f'class {cls.__name__}: ...\n'], 0, 'source.py')
torch.manual_seed(7)


def keep(name, obj, expected=None, **options):
    torch.save(obj, OUT / name, **options)
    if expected is not None:
        save_file({key: value.detach().clone().contiguous() for key, value in expected.items()}, OUT / f'{name}.safetensors')


def views():
    """Every dtype; slices, turned axes, steps, repeats and shared storages."""
    base = torch.randn(6, 5, 4)
    bits = torch.arange(0, 0x7C00, 97, dtype=torch.int32).to(torch.int16)  # a sample of the positive finite halves
    special = torch.tensor([0.0, -0.0, float('inf'), -float('inf'), float('nan'), 1e-45, 3.4e38, -1.5])
    return OrderedDict([
        ('base', base),
        ('turned', base.permute(2, 0, 1)),
        ('steps', base[::2, 1::2, ::3]),
        ('slice', base[2:4]),
        ('column', base[:, 3, 1]),
        ('repeated', torch.randn(3, 1).expand(3, 7)),
        ('shared', base),
        ('one', base[0, 0, 0]),
        ('one_axis_of_one', torch.randn(1, 9)[:, ::2]),
        ('empty', torch.zeros(0, 3)),
        ('empty_slice', base[6:]),
        ('half', special.half()),
        ('half_bits', bits.view(torch.float16)),
        ('half_turned', torch.randn(3, 4).half().t()),
        ('bfloat16', special.bfloat16()),
        ('bfloat16_slice', torch.randn(10).bfloat16()[3:7]),
        ('float', special),
        ('double', special.double() / 3),
        ('int64', torch.tensor([-(2**63), 2**63 - 1, -1])),
        ('int32', torch.tensor([-(2**31), 2**31 - 1], dtype=torch.int32)),
        ('int16', torch.tensor([-32768, 32767], dtype=torch.int16)),
        ('int8', torch.tensor([-128, 127], dtype=torch.int8)),
        ('uint8', torch.tensor([0, 255], dtype=torch.uint8)),
        ('bool', torch.tensor([True, False, True])),
        ('parameter', torch.nn.Parameter(torch.randn(2, 3))),
    ])


def fake_package(module, *classes):
    """Classes as ultralytics has them, so that a pickle names them; the reader must not need them."""
    parts = module.split('.')
    for i in range(1, len(parts) + 1):
        sys.modules.setdefault('.'.join(parts[:i]), types.ModuleType('.'.join(parts[:i])))
    made = []
    for name in classes:
        cls = type(name, (torch.nn.Module,), {'__module__': module})
        setattr(sys.modules[module], name, cls)
        made.append(cls)
    return made


def graph():
    DetectionModel, = fake_package('ultralytics.nn.tasks', 'DetectionModel')
    Conv, = fake_package('ultralytics.nn.modules.conv', 'Conv')
    Detect, = fake_package('ultralytics.nn.modules.head', 'Detect')

    def conv(inputs, outputs):
        block = Conv()
        block.conv = torch.nn.Conv2d(inputs, outputs, 3, bias=False)
        block.bn = torch.nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03)
        block.bn.running_mean.normal_()
        block.act = torch.nn.SiLU(inplace=True)
        return block

    model = DetectionModel()
    head = Detect()
    head.nc, head.reg_max = 3, 4
    head.stride = torch.tensor([8.0, 16.0])  # a plain attribute: not in the state dict
    head.cv2 = torch.nn.ModuleList([torch.nn.Sequential(conv(6, 8), torch.nn.Conv2d(8, 16, 1))])
    model.model = torch.nn.Sequential(conv(3, 6), head)
    model.model[0].i, model.model[0].f = 0, -1
    model.register_buffer('anchors_kept', torch.randn(2, 2))
    model.register_buffer('anchors_dropped', torch.randn(2, 2), persistent=False)
    model.names = {0: 'object'}
    model.yaml = {'nc': 3, 'scale': 'n', 'backbone': [[-1, 1, 'Conv', [64, 3, 2]]]}
    return model.half().eval()


class Evil:
    def __init__(self, call, *args):
        self.call, self.args = call, args

    def __reduce__(self):
        return self.call, self.args


def rezip(source, name, change, **options):
    """The same archive written by Python's zipfile; `change` takes (name, bytes) and gives the bytes, or None to drop the member."""
    with zipfile.ZipFile(OUT / source) as old, zipfile.ZipFile(OUT / name, 'w', **options) as new:
        for info in old.infolist():
            data = change(info.filename, old.read(info))
            if data is not None:
                with new.open(zipfile.ZipInfo(info.filename), 'w', force_zip64='zip64' in name) as member:
                    member.write(data)


def main():
    OUT.mkdir(exist_ok=True)
    tensors = views()
    keep('views.pt', tensors, tensors)
    keep('views-protocol4.pt', tensors, tensors, pickle_protocol=4)
    keep('views-legacy.pt', tensors, tensors, _use_new_zipfile_serialization=False)
    unsigned = {f'u{bits}': torch.arange(6).to(dtype).reshape(2, 3).t() for bits, dtype in
                ((16, torch.uint16), (32, torch.uint32), (64, torch.uint64))}
    keep('untyped.pt', unsigned, unsigned)
    keep('attributes.pt', {'weight': tagged()}, {'weight': tagged()})

    model = graph()
    training = {'epoch': -1, 'best_fitness': None, 'model': model, 'ema': None, 'updates': None, 'optimizer': None,
                'train_args': {'lr0': 0.01, 'data': Path('coco.yaml').as_posix()}, 'date': '2026-01-01'}
    keep('graph.pt', training, model.state_dict())
    keep('graph-legacy.pt', training, model.state_dict(), _use_new_zipfile_serialization=False)
    keep('whole-module.pt', model, model.state_dict())
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.randn(4))])
    state = {'a.weight': torch.randn(4, 3), 'a.bias': torch.randn(4)}
    keep('ema.pt', {'model': {'a.weight': torch.zeros(4, 3)}, 'ema': state, 'optimizer': optimizer.state_dict()}, state)

    small = {'a.weight': torch.randn(4, 3), 'a.bias': torch.randn(4).half()}
    keep('small.pt', small, small)
    rezip('small.pt', 'zip64.pt', lambda _, data: data)
    rezip('small.pt', 'deflated.pt', lambda _, data: data, compression=zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(OUT / 'small.pt') as old, zipfile.ZipFile(OUT / 'deflated.pt', 'w', zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
    rezip('small.pt', 'big-endian.pt', lambda name, data: b'big' if name.endswith('/byteorder') else data)
    rezip('small.pt', 'missing-storage.pt', lambda name, data: None if name.endswith('/data/1') else data)
    rezip('small.pt', 'long-storage.pt', lambda name, data: data + bytes(4) if name.endswith('/data/0') else data)

    keep('evil-eval.pt', {'a': torch.zeros(1), 'b': Evil(eval, '1')})
    keep('evil-legacy.pt', {'a': torch.zeros(1), 'b': Evil(os.system, 'true')}, _use_new_zipfile_serialization=False)
    keep('evil-protocol4.pt', {'b': Evil(getattr, 1, 'real')}, pickle_protocol=4)
    keep('sparse.pt', {'a': torch.eye(3).to_sparse()})
    keep('complex.pt', {'a': torch.zeros(2, dtype=torch.complex64)})
    keep('no-tensor.pt', {'epoch': 3})
    keep('a-list.pt', [torch.zeros(1)])
    scripted = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), scripted)
    (OUT / 'torchscript.pt').write_bytes(scripted.getvalue())


def tagged():
    """A parameter with attributes: _rebuild_parameter_with_state."""
    generator = torch.Generator().manual_seed(3)
    parameter = torch.nn.Parameter(torch.randn(2, 2, generator=generator))
    parameter.note = 'text'
    return parameter


main()
