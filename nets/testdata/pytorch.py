"""The work of torch_test.go in PyTorch, on one thread.

Reads requests, a line each, and answers each with a line of JSON:

    load KIND FILE   KIND is one of those below; FILE holds weights and a batch as safetensors; the BLAS in use
    check            two numbers that tell whether both sides compute the same
    time REPEATS     nanoseconds of one update or forward pass, mean over so many
"""

import json
import sys
import time

import torch
from torch import nn

torch.set_num_threads(1)


def read(path):
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        data = bytearray(f.read())
    return {
        name: torch.frombuffer(data[slice(*t["data_offsets"])], dtype=torch.float32).reshape(t["shape"])
        for name, t in header.items()
    }


def tower(tensors, *names):
    """Affine layers with tanh between them."""
    layers = []
    for name in names:
        weight = tensors[name + ".weight"]
        layer = nn.Linear(*weight.shape)
        layer.weight.data, layer.bias.data = weight.T.contiguous(), tensors[name + ".bias"]
        layers += [nn.Tanh(), layer]
    return nn.Sequential(*layers[1:])


def log_softmax(logits, legal):
    return torch.log_softmax(logits.masked_fill(~legal, -1e9), 1)


class Update:
    """A loss, the gradient clipped to a norm, and a step of Adam."""

    def __init__(self, *networks, max_norm):
        self.parameters = [p for network in networks for p in network.parameters()]
        self.adam = torch.optim.Adam(self.parameters, lr=1e-3, foreach=True)
        self.max_norm = max_norm

    def run(self):
        self.adam.zero_grad(set_to_none=True)
        loss = self.loss()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.parameters, self.max_norm)
        self.adam.step()
        return loss, norm

    def check(self):
        return [x.item() for x in self.run()]


class PPO(Update):
    def __init__(self, x):
        self.policy = tower(x, "policy.0", "policy.1", "policy_head.0")
        self.value = tower(x, "value.0", "value.1", "value_head.0")
        self.obs, self.legal, self.action = x["obs"], x["legal"] > 0, x["action"].long().unsqueeze(1)
        self.old, self.advantage, self.returns = x["old_logp"], x["advantage"], x["return"]
        super().__init__(self.policy, self.value, max_norm=0.5)

    def loss(self):
        logp = log_softmax(self.policy(self.obs), self.legal)
        ratio = torch.exp(logp.gather(1, self.action).squeeze(1) - self.old)
        surrogate = torch.min(ratio * self.advantage, ratio.clamp(0.8, 1.2) * self.advantage)
        entropy = -(logp.exp() * logp).sum(1)
        value = (self.value(self.obs).squeeze(1) - self.returns).square()
        return -surrogate.mean() + 0.5 * value.mean() - 0.01 * entropy.mean()


class Q(Update):
    def __init__(self, x):
        self.q = tower(x, "mlp.0", "mlp.1", "mlp.2")
        self.obs, self.action, self.target = x["obs"], x["action"].long().unsqueeze(1), x["target"]
        super().__init__(self.q, max_norm=10)

    def loss(self):
        q = self.q(self.obs).gather(1, self.action).squeeze(1)
        return nn.functional.huber_loss(q, self.target)


class Forward:
    def __init__(self, x):
        self.network, self.obs = tower(x, "mlp.0", "mlp.1", "mlp.2"), x["obs"]

    @torch.inference_mode()
    def run(self):
        return self.network(self.obs)

    def check(self):
        y = self.run()
        return [y.sum().item(), y.norm().item()]


class Sample:
    def __init__(self, x):
        self.network = tower(x, "policy.0", "policy.1", "policy_head.0")
        self.obs, self.legal = x["obs"], x["legal"] > 0

    @torch.inference_mode()
    def run(self):
        logp = log_softmax(self.network(self.obs), self.legal)
        action = torch.multinomial(logp.exp(), 1)
        return action, logp.gather(1, action)

    @torch.inference_mode()
    def check(self):
        logp = log_softmax(self.network(self.obs), self.legal)
        return [logp.max().item(), -(logp.exp() * logp).sum().item()]


def blas():
    with open("/proc/self/maps") as maps:
        libraries = {line.split("/")[-1].strip() for line in maps if "/" in line}
    return sorted(name for name in libraries if "blas" in name or "mkl_core" in name)


def timed(work, repeats):
    work()  # the other side may have had the caches
    begin = time.perf_counter_ns()
    for _ in range(repeats):
        work()
    return (time.perf_counter_ns() - begin) / repeats


work = None
for line in sys.stdin:
    request, *arguments = line.split()
    if request == "load":
        work = {"ppo": PPO, "q": Q, "forward": Forward, "sample": Sample}[arguments[0]](read(arguments[1]))
        answer = {"torch": torch.__version__, "blas": blas()}
    elif request == "check":
        answer = work.check()
    else:
        answer = timed(work.run, int(arguments[0]))
    print(json.dumps(answer), flush=True)
