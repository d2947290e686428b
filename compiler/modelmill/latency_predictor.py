"""The servers beside an endpoint picker that learn and predict how long requests take.

In: a variant whose scheduler has a `latencyPredictor`. Out: containers and volumes of the picker's
pod, and the picker's environment. Names, ports, paths, probes and variables: llm-d/llm-d-router,
charts/routerlib, and kserve/kserve, config/llmisvcconfig.
"""

from __future__ import annotations

from typing import Any

from modelmill.containers import (
    Manifest,
    container_fields,
    env_list,
    given,
    numbered,
    over,
    resources,
)
from modelmill.spec.picker import LatencyPredictor, PredictorServer
from modelmill.variant import Variant

TRAINING, PREDICTION = "training-server", "prediction-server"
TRAINING_PORT = 8000
FIRST_PREDICTION_PORT = 8001
TRAINING_URL = f"http://localhost:{TRAINING_PORT}"
TRAINING_FOLDER, PREDICTION_FOLDER = "/models", "/server_models"
FILES = {
    "TTFT_MODEL": "ttft",
    "TPOT_MODEL": "tpot",
    "TTFT_SCALER": "ttft_scaler",
    "TPOT_SCALER": "tpot_scaler",
    "TTFT_GATED_MODEL": "ttft_gated",
    "TPOT_GATED_MODEL": "tpot_gated",
}
# What both sides must have alike.
LEARNED = {"LATENCY_MODEL_TYPE": "xgboost", "LATENCY_OBJECTIVE_TYPE": "mean"}
# The images name no user and would run as root.
SECURITY = {"runAsUser": 2000, "runAsGroup": 0, "readOnlyRootFilesystem": True}
DISKS = {TRAINING: "20Gi", PREDICTION: "10Gi"}


def predictor_of(variant: Variant) -> LatencyPredictor | None:
    return variant.scheduler.latency_predictor if variant.scheduler is not None else None


def ports(variant: Variant) -> list[int]:
    """Ports its servers take in the picker's pod."""
    predictor = predictor_of(variant)
    return [TRAINING_PORT, *prediction_ports(predictor)] if predictor is not None else []


def prediction_ports(predictor: LatencyPredictor) -> list[int]:
    return [FIRST_PREDICTION_PORT + at for at in range(predictor.prediction_servers)]


def env(variant: Variant) -> dict[str, Any]:
    """What the picker is told of them."""
    predictor = predictor_of(variant)
    if predictor is None:
        return {}
    urls = [f"http://localhost:{port}" for port in prediction_ports(predictor)]
    return {
        "PREDICTION_SERVER_URL": ",".join(urls),
        "TRAINING_SERVER_URL": TRAINING_URL,
        "LATENCY_MAX_SAMPLE_SIZE": "10000",
        "LATENCY_MAX_CONCURRENT_DISPATCHES": "36",
        "LATENCY_COALESCE_WINDOW_MS": "1",
    }


def containers(variant: Variant) -> list[Manifest]:
    predictor = predictor_of(variant)
    if predictor is None:
        return []
    servers = zip(
        numbered(PREDICTION, predictor.prediction_servers),
        numbered("predict-port", predictor.prediction_servers),
        prediction_ports(predictor),
        strict=True,
    )
    return [_training(variant, predictor), *(_prediction(variant, predictor, *s) for s in servers)]


def _training(variant: Variant, predictor: LatencyPredictor) -> Manifest:
    own = predictor.training or PredictorServer()
    derived = {
        "LATENCY_RETRAINING_INTERVAL_SEC": "10",
        "LATENCY_MIN_SAMPLES_FOR_RETRAIN": "100",
        "LATENCY_MAX_TRAINING_DATA_SIZE_PER_BUCKET": "500",
        **_paths("LATENCY", TRAINING_FOLDER),
    }
    probes = {
        "startupProbe": _probe("/healthz", "training-port", periodSeconds=10, failureThreshold=30),
        "livenessProbe": _probe("/healthz", "training-port", periodSeconds=20, timeoutSeconds=5),
        "readinessProbe": _probe("/readyz", "training-port", periodSeconds=10, timeoutSeconds=5),
    }
    image = variant.image("latencyPredictorTraining", own.image)
    port = {"name": "training-port", "containerPort": TRAINING_PORT, "protocol": "TCP"}
    return _server(own, TRAINING, image, derived, port, probes, TRAINING_FOLDER)


def _prediction(
    variant: Variant, predictor: LatencyPredictor, name: str, port_name: str, port: int
) -> Manifest:
    own = predictor.prediction or PredictorServer()
    derived = {
        "TRAINING_SERVER_URL": TRAINING_URL,
        "PREDICT_HOST": "0.0.0.0",
        "PREDICT_PORT": str(port),
        "OMP_NUM_THREADS": "1",
        "MODEL_SYNC_INTERVAL_SEC": "30",
        **_paths("LOCAL", PREDICTION_FOLDER),
    }
    probes = {
        # It is ready once it has a model, which the training server must first learn.
        "startupProbe": _probe("/readyz", port_name, periodSeconds=10, failureThreshold=60),
        "livenessProbe": _probe(
            "/healthz", port_name, periodSeconds=15, timeoutSeconds=5, failureThreshold=5
        ),
        "readinessProbe": _probe("/readyz", port_name, periodSeconds=10, timeoutSeconds=5),
    }
    image = variant.image("latencyPredictorPrediction", own.image)
    listed = {"name": port_name, "containerPort": port, "protocol": "TCP"}
    return _server(own, name, image, derived, listed, probes, PREDICTION_FOLDER)


def _paths(prefix: str, folder: str) -> dict[str, str]:
    """Where learned models are."""
    return {f"{prefix}_{what}_PATH": f"{folder}/{file}.joblib" for what, file in FILES.items()}


def _probe(path: str, port: str, **timing: int) -> Manifest:
    return {"httpGet": {"path": path, "port": port, "scheme": "HTTP"}, **timing}


def _server(
    own: PredictorServer,
    name: str,
    image: str,
    derived: dict[str, str],
    port: Manifest,
    probes: Manifest,
    folder: str,
) -> Manifest:
    fields = container_fields(own.container)
    return {
        "name": name,
        "image": image,
        "env": env_list({**derived, **LEARNED, **own.env}),
        "ports": [port, *fields.pop("ports", [])],
        **given(resources=resources(own.resources)),
        **fields,
        "securityContext": over(SECURITY, fields["securityContext"]),
        **probes,
        "volumeMounts": [
            {"name": f"{name}-storage", "mountPath": folder},
            {"name": f"{name}-tmp", "mountPath": "/tmp"},
            *fields.get("volumeMounts", []),
        ],
    }


def volumes(variant: Variant) -> list[Manifest]:
    """Scratch space of each server, for models and for /tmp."""
    predictor = predictor_of(variant)
    if predictor is None:
        return []
    names = [(TRAINING, TRAINING)]
    names += [(PREDICTION, name) for name in numbered(PREDICTION, predictor.prediction_servers)]
    return [
        volume
        for kind, name in names
        for volume in (
            {"name": f"{name}-storage", "emptyDir": {"sizeLimit": DISKS[kind]}},
            {"name": f"{name}-tmp", "emptyDir": {}},
        )
    ]
