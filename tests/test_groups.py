"""A replica over several pods: its arithmetic, its command lines, how requests find its ranks."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelmill.catalogues import engine_catalogue
from modelmill.engines import ENGINES, Launch
from modelmill.engines.flags import in_shell, render, times_index
from modelmill.groups import Group, group_of, ports_of, workers_serve
from modelmill.model_uri import parse_uri
from modelmill.shapes import Problems
from modelmill.spec.role import Role
from support import SMALL, compiled, model, preset, run, texts_below, tree, write_files

IMAGE = {"vllm": "vllm:v0.26.0", "sglang": "sglang:v0.5.16", "inference-sim": "sim:v0.10.2"}
PICKED = """
routing:
  scheduler:
    config:
      name: own
      plugins: {p: {type: max-score-picker}}
      schedulingProfiles: {default: {plugins: {p: {}}}}
"""


def role(sizes: str, worker: str | None = "{}", engine: str = "vllm", per_node: int = 8) -> Role:
    text = f"""
    engine: {{type: {engine}, image: "{IMAGE[engine]}"}}
    accelerator: {{name: h100, resource: nvidia.com/gpu, perNode: {per_node}}}
    parallelism: {sizes}
    """
    problems = Problems(partial=False)
    found = Role.shape().decode(tree(text + (f"worker: {worker}" if worker else "")), problems)
    assert not problems.found, problems.found
    assert isinstance(found, Role)
    return found


def flags(found: Role, *, is_worker: bool, role_type: str = "prefill-decode") -> list[str]:
    """Words of the engine's command line that follow from its place in a group."""
    assert found.engine is not None
    module, catalogue = ENGINES[found.engine.type], engine_catalogue(found.engine.type)
    uri = parse_uri("hf://acme/big", "/models")
    launch = Launch(found, role_type, "big", uri, None, 8000, None, group_of(found), is_worker)
    alone = Launch(found, role_type, "big", uri, None, 8000)._replace(
        role=Role(engine=found.engine)
    )
    own = render(catalogue, module.flags(alone))
    return [word for word in render(catalogue, module.flags(launch)) if word not in own]


# Arithmetic

GROUPS = {
    "one-pod": ("{tensor: 4, data: 2}", None, Group(1, 2, 2, 1, 8)),
    "nothing-said": ("{}", None, Group(1, 1, 1, 1, 1)),
    "ranks-of-the-pod-are-all": ("{dataLocal: 4}", None, Group(1, 4, 4, 1, 4)),
    "ranks-of-a-pod": ("{data: 16, dataLocal: 8}", "{}", Group(2, 16, 8, 1, 8)),
    "one-rank-a-pod": ("{data: 4, dataLocal: 1, tensor: 8}", "{}", Group(4, 4, 1, 1, 8)),
    "size": ("{data: 16}", "{size: 4}", Group(4, 16, 4, 1, 4)),
    "ranks-by-size": ("{dataLocal: 8}", "{size: 3}", Group(3, 24, 8, 1, 8)),
    "by-node": ("{tensor: 2, data: 12}", "{}", Group(3, 12, 4, 1, 8)),
    "tensor-over-nodes": ("{tensor: 16}", "{}", Group(2, 1, 1, 2, 8)),
    "pipeline-over-nodes": ("{tensor: 8, pipeline: 3}", "{}", Group(3, 1, 1, 3, 8)),
    "part-of-a-node": ("{tensor: 8}", "{size: 4}", Group(4, 1, 1, 4, 2)),
    "ranks-over-nodes": ("{tensor: 16, data: 2}", "{}", Group(4, 2, 1, 2, 8)),
    "fits-a-node": ("{tensor: 4}", "{}", Group(1, 1, 1, 1, 4)),
}


@pytest.mark.parametrize(("sizes", "worker", "want"), GROUPS.values(), ids=GROUPS)
def test_pods_ranks_and_accelerators(sizes: str, worker: str | None, want: Group) -> None:
    assert group_of(role(sizes, worker)) == want


SERVING = {
    "ranks-behind-the-leader": ("{data: 16, dataLocal: 8}", False, 1),
    "each-pod": ("{data: 16, dataLocal: 8, loadBalancing: hybrid}", True, 1),
    "each-rank": ("{data: 16, dataLocal: 8, loadBalancing: external}", True, 8),
    "each-rank-a-pod": ("{data: 4, dataLocal: 1, loadBalancing: external}", True, 1),
    "nothing-to-spread": ("{tensor: 16, loadBalancing: external}", False, 1),
}


@pytest.mark.parametrize(("sizes", "serve", "ports"), SERVING.values(), ids=SERVING)
def test_who_takes_requests(sizes: str, serve: bool, ports: int) -> None:
    assert (workers_serve(role(sizes)), ports_of(role(sizes))) == (serve, ports)


# Command lines

ADDRESS = "--data-parallel-address=$(LWS_LEADER_ADDRESS)"
MASTER = "--master-addr=$(LWS_LEADER_ADDRESS)"
RPC = "--data-parallel-rpc-port=5555"
LINES: dict[str, tuple[str, str, list[str], list[str]]] = {
    "tensor": (
        "vllm",
        "{tensor: 16}",
        [MASTER, "--master-port=5555", "--nnodes=2", "--node-rank=0", "--tensor-parallel-size=16"],
        [
            "--headless",
            MASTER,
            "--master-port=5555",
            "--nnodes=2",
            "--node-rank=$(LWS_WORKER_INDEX)",
            "--tensor-parallel-size=16",
        ],
    ),
    "ranks-over-nodes": (
        "vllm",
        "{tensor: 16, data: 2}",
        [
            RPC,
            "--data-parallel-size=2",
            MASTER,
            "--nnodes=4",
            "--node-rank=0",
            "--tensor-parallel-size=16",
        ],
        [
            RPC,
            "--data-parallel-size=2",
            "--headless",
            MASTER,
            "--nnodes=4",
            "--node-rank=$(LWS_WORKER_INDEX)",
            "--tensor-parallel-size=16",
        ],
    ),
    "internal": (
        "vllm",
        "{data: 24, dataLocal: 8}",
        [ADDRESS, RPC, "--data-parallel-size=24", "--data-parallel-size-local=8"],
        [
            ADDRESS,
            RPC,
            "--data-parallel-size=24",
            "--data-parallel-size-local=8",
            "--data-parallel-start-rank=$((LWS_WORKER_INDEX * 8))",
            "--headless",
        ],
    ),
    "internal-a-rank-a-pod": (
        "vllm",
        "{data: 3, dataLocal: 1, tensor: 8}",
        [
            ADDRESS,
            RPC,
            "--data-parallel-size=3",
            "--data-parallel-size-local=1",
            "--tensor-parallel-size=8",
        ],
        [
            ADDRESS,
            RPC,
            "--data-parallel-size=3",
            "--data-parallel-size-local=1",
            "--data-parallel-start-rank=$(LWS_WORKER_INDEX)",
            "--headless",
            "--tensor-parallel-size=8",
        ],
    ),
    "the-only-worker": (
        "vllm",
        "{data: 16, dataLocal: 8, loadBalancing: hybrid}",
        [
            ADDRESS,
            "--data-parallel-hybrid-lb",
            RPC,
            "--data-parallel-size=16",
            "--data-parallel-size-local=8",
        ],
        [
            ADDRESS,
            "--data-parallel-hybrid-lb",
            RPC,
            "--data-parallel-size=16",
            "--data-parallel-size-local=8",
            "--data-parallel-start-rank=8",
        ],
    ),
    "external": (
        "vllm",
        "{data: 16, dataLocal: 8, loadBalancing: external, expert: true}",
        [
            ADDRESS,
            "--data-parallel-multi-port-external-lb",
            RPC,
            "--data-parallel-size=16",
            "--data-parallel-size-local=8",
            "--data-parallel-supervisor-port=8008",
            "--enable-expert-parallel",
        ],
        [
            ADDRESS,
            "--data-parallel-multi-port-external-lb",
            RPC,
            "--data-parallel-size=16",
            "--data-parallel-size-local=8",
            "--data-parallel-start-rank=8",
            "--data-parallel-supervisor-port=8008",
            "--enable-expert-parallel",
        ],
    ),
    "external-a-rank-a-pod": (
        "vllm",
        "{data: 4, dataLocal: 1, loadBalancing: external}",
        [ADDRESS, "--data-parallel-rank=$(LWS_WORKER_INDEX)", RPC, "--data-parallel-size=4"],
        [ADDRESS, "--data-parallel-rank=$(LWS_WORKER_INDEX)", RPC, "--data-parallel-size=4"],
    ),
    "sglang": (
        "sglang",
        "{tensor: 16, rpcPort: 6000}",
        [
            "--dist-init-addr=$(LWS_LEADER_ADDRESS):6000",
            "--nnodes=2",
            "--node-rank=0",
            "--tensor-parallel-size=16",
        ],
        [
            "--dist-init-addr=$(LWS_LEADER_ADDRESS):6000",
            "--nnodes=2",
            "--node-rank=$(LWS_WORKER_INDEX)",
            "--tensor-parallel-size=16",
        ],
    ),
    "sglang-ranks": (
        "sglang",
        "{tensor: 2, data: 8, expert: true}",
        [
            "--data-parallel-size=8",
            "--dist-init-addr=$(LWS_LEADER_ADDRESS):5555",
            "--enable-dp-attention",
            "--expert-parallel-size=16",
            "--nnodes=2",
            "--node-rank=0",
            "--tensor-parallel-size=16",
        ],
        [
            "--data-parallel-size=8",
            "--dist-init-addr=$(LWS_LEADER_ADDRESS):5555",
            "--enable-dp-attention",
            "--expert-parallel-size=16",
            "--nnodes=2",
            "--node-rank=$(LWS_WORKER_INDEX)",
            "--tensor-parallel-size=16",
        ],
    ),
    "simulator": (
        "inference-sim",
        "{data: 16, dataLocal: 8, loadBalancing: external}",
        ["--data-parallel-size=8"],
        ["--data-parallel-size=8"],
    ),
}


@pytest.mark.parametrize(("engine", "sizes", "leader", "worker"), LINES.values(), ids=LINES)
def test_command_lines(engine: str, sizes: str, leader: list[str], worker: list[str]) -> None:
    found = role(sizes, engine=engine)
    assert flags(found, is_worker=False) == leader
    assert flags(found, is_worker=True) == worker


def test_ranks_of_one_pod_have_no_address() -> None:
    assert flags(role("{data: 8}", None), is_worker=False) == ["--data-parallel-size=8"]
    external = flags(role("{data: 8, loadBalancing: external}", None), is_worker=False)
    assert external == [
        "--data-parallel-multi-port-external-lb",
        "--data-parallel-size=8",
        "--data-parallel-size-local=8",
        "--data-parallel-supervisor-port=8008",
    ]


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_flag_that_follows_from_a_group_is_no_one_elses(line: Any) -> None:
    engine, sizes, *both = line
    catalogue = engine_catalogue(engine)
    for word in (word for words in both for word in words):
        flag = catalogue.find(word.removeprefix("--").partition("=")[0])
        assert flag is not None
        # People may have data parallel attention without expert parallelism.
        assert flag.owner or flag.name == "enable-dp-attention", (engine, sizes, word)


def test_a_shell_multiplies_and_changes_no_other_word() -> None:
    words = ["a b", "it's", '"$HOME"', "$(NAME)", "\\", "*", f"--rank={times_index(8)}", "--last"]
    command, arguments = in_shell(["printf", "%s\n"], words)
    ran = subprocess.run(
        [*command, *arguments],
        env={"LWS_WORKER_INDEX": "3", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.splitlines() == [*words[:6], "--last", "--rank=24"]


def test_without_arithmetic_there_is_no_shell() -> None:
    assert in_shell(["vllm"], ["--a=$((1))"]) == (["vllm"], ["--a=$((1))"])


# Objects


def objects(root: Path, spec: str) -> dict[tuple[str, str], Any]:
    base = preset(
        "gpu",
        """
        engine: {type: vllm, version: v0.26.0, image: "vllm:v0.26.0"}
        accelerator: {name: h100, resource: nvidia.com/gpu, perNode: 8}
        """,
    )
    texts = {**SMALL, "presets/gpu.yaml": base, "models/tiny.yaml": model("tiny", spec, "[gpu]")}
    ran = run(write_files(root, texts), "render", "tiny")
    assert ran.status == 0, ran.stderr
    return {
        (body["kind"], body["metadata"]["name"]): body
        for body in yaml.load_all(ran.stdout, yaml.CSafeLoader)
    }


def group(root: Path, spec: str) -> Any:
    return objects(root, spec)["LeaderWorkerSet", "tiny-decode"]["spec"]["leaderWorkerTemplate"]


def engine_of(template: Any) -> Any:
    (found,) = (c for c in template["spec"]["containers"] if c["name"] == "modelserver")
    return found


def test_a_worker_that_takes_no_requests_has_no_port_probe_or_label(tmp_path: Path) -> None:
    found = objects(
        tmp_path,
        "kvTransfer: {connector: nixl}\n"
        "roles: {decode: {parallelism: {tensor: 16}, worker: {}}, prefill: {}}",
    )
    templates = found["LeaderWorkerSet", "tiny-decode"]["spec"]["leaderWorkerTemplate"]
    leader, worker = templates["leaderTemplate"], templates["workerTemplate"]
    wanted = found["Service", "tiny"]["spec"]["selector"].items()
    assert wanted <= leader["metadata"]["labels"].items()
    assert not wanted <= worker["metadata"]["labels"].items()
    assert "startupProbe" in engine_of(leader)
    assert not {"startupProbe", "readinessProbe", "livenessProbe"} & engine_of(worker).keys()
    assert [p["name"] for p in engine_of(worker)["ports"]] == ["nixl"]
    assert "initContainers" in leader["spec"]
    assert "initContainers" not in worker["spec"]


def test_pods_that_are_alike_have_one_template(tmp_path: Path) -> None:
    sizes = "{data: 4, dataLocal: 1, tensor: 8, loadBalancing: hybrid}"
    found = group(tmp_path, f"roles: {{decode: {{parallelism: {sizes}, worker: {{}}}}}}")
    assert "leaderTemplate" not in found


def test_what_a_worker_unsets_its_leader_keeps(tmp_path: Path) -> None:
    found = group(
        tmp_path,
        """
        engine: {args: {enforce-eager: true}, env: {A: "1"}}
        pod: {volumes: {scratch: {emptyDir: {}}}}
        roles:
          decode:
            parallelism: {tensor: 16}
            worker:
              args: {enforce-eager: null}
              env: {A: null}
              pod: {volumes: {scratch: {hostPath: {path: /scratch}}}}
        """,
    )
    leader, worker = (engine_of(found[part]) for part in ("leaderTemplate", "workerTemplate"))
    assert "--enforce-eager" in leader["args"]
    assert "--enforce-eager" not in worker["args"]
    assert {"name": "A", "value": "1"} in leader["env"]
    assert all(each["name"] != "A" for each in worker["env"])
    assert {"name": "scratch", "hostPath": {"path": "/scratch"}} in found["workerTemplate"]["spec"][
        "volumes"
    ]


def test_a_word_for_word_command_is_its_workers_too(tmp_path: Path) -> None:
    role = "{decode: {parallelism: {tensor: 16}, worker: WORKER}}"
    spec = f"engine: {{argv: [serve, acme/big]}}\nroles: {role}"
    same = group(tmp_path / "same", spec.replace("WORKER", "{}"))
    assert "leaderTemplate" not in same
    assert engine_of(same["workerTemplate"])["args"] == ["serve", "acme/big"]
    other = group(tmp_path / "other", spec.replace("WORKER", "{argv: [join]}"))
    assert engine_of(other["workerTemplate"])["args"] == ["join"]
    assert "startupProbe" not in engine_of(other["workerTemplate"])


@pytest.mark.parametrize("sizes", ["{data: 8}", "{data: 16, dataLocal: 8}"])
def test_a_port_for_each_rank_everywhere(tmp_path: Path, sizes: str) -> None:
    spread = sizes.replace("}", ", loadBalancing: external}")
    worker = ", worker: {}" if "dataLocal" in sizes else ""
    found = objects(
        tmp_path,
        f"{PICKED}\npodMonitor: {{}}\nroles: {{decode: {{parallelism: {spread}{worker}}}}}",
    )
    pool = [p["number"] for p in found["InferencePool", "tiny"]["spec"]["targetPorts"]]
    service = [p["targetPort"] for p in found["Service", "tiny"]["spec"]["ports"]]
    assert pool == service == list(range(8000, 8008))
    if worker:
        spec = found["LeaderWorkerSet", "tiny-decode"]["spec"]["leaderWorkerTemplate"]
        template = spec["workerTemplate"]
    else:
        template = found["Deployment", "tiny-decode"]["spec"]["template"]
    ports = {p["name"]: p["containerPort"] for p in engine_of(template)["ports"]}
    assert ports.pop("supervisor") == 8008
    assert list(ports.values()) == pool
    scraped = found["PodMonitor", "tiny-decode"]["spec"]["podMetricsEndpoints"]
    assert [each["port"] for each in scraped] == list(ports)


def test_the_sidecar_listens_for_each_rank(tmp_path: Path) -> None:
    spread = "{data: 4, loadBalancing: external}"
    picked = PICKED.replace("plugins: {p: {", "plugins: {decode-filter: {}, p: {")
    found = objects(
        tmp_path,
        f"{picked}\nkvTransfer: {{connector: nixl}}\nroles: {{decode: {{parallelism: {spread}}}, "
        f"prefill: {{parallelism: {spread}}}}}",
    )
    template = found["Deployment", "tiny-decode"]["spec"]["template"]["spec"]
    (sidecar,) = template["initContainers"]
    assert "--data-parallel-size=4" in sidecar["args"]
    assert [p["containerPort"] for p in sidecar["ports"]] == [8000, 8001, 8002, 8003]
    behind = [p["containerPort"] for p in engine_of({"spec": template})["ports"]]
    assert behind[:5] == [8200, 8201, 8202, 8203, 8204]


def test_a_simulator_stands_for_each_pod_of_a_group(tmp_path: Path) -> None:
    """Whatever `worker` says of an engine the simulator knows nothing of."""
    sim = 'engine: {type: inference-sim, version: v0.10.2, image: "sim:v0.10.2"}'
    found = group(
        tmp_path,
        f"{sim}\nroles: {{decode: {{parallelism: {{data: 16, dataLocal: 8}}, "
        "worker: {args: {headless: true}, command: [join]}}}",
    )
    assert found["size"] == 2
    assert "leaderTemplate" not in found
    assert engine_of(found["workerTemplate"])["args"] == [
        "--model=acme/tiny",
        "--port=8000",
        "--served-model-name=acme/tiny",
    ]


def test_an_environment_may_grow_a_group(tmp_path: Path) -> None:
    base = preset(
        "gpu",
        """
        engine: {type: vllm, version: v0.26.0, image: "vllm:v0.26.0"}
        accelerator: {name: h100, resource: nvidia.com/gpu, perNode: 8}
        """,
    )
    spec = "roles: {decode: {parallelism: {data: 16, dataLocal: 8}, worker: {}}}"
    prod = "{prod: {roles: {decode: {parallelism: {data: 32}}}}}"
    tiny = model("tiny", spec, "[gpu]", prod)
    root = write_files(tmp_path, {**SMALL, "presets/gpu.yaml": base, "models/tiny.yaml": tiny})
    compiled(root)
    patch = texts_below(root, "generated/tiny/overlays/prod")
    text = patch["leaderworkerset-tiny-decode.patch.yaml"].decode()
    assert "/spec/leaderWorkerTemplate/size" in text
    assert "LWS_WORKER_INDEX * 8" in text
