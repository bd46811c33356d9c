"""The same app on Ray Serve: several replicas, on one machine or many.

Requests with one `x-session-id` go to one replica (a consistent hash), so whoever sends a picture's
sha256 there has it encoded once. The queue and its refusals are the app's own in each replica;
replicas are added and removed by how many requests they have.
"""

import os
import signal
from dataclasses import dataclass, replace
from threading import Event
from typing import Annotated, Any

from annotated_types import Ge

from wordmask.core.options import check
from wordmask.doors.server.options import ServeOptions
from wordmask.engines.options import EngineOptions
from wordmask.errors import missing_extra

ROUTER = "ray.serve.experimental.consistent_hash_router:ConsistentHashRouter"
NAME = "wordmask"


@dataclass(frozen=True)
class RayOptions:
    """Whether the server runs on Ray Serve, and in how many processes."""

    ray: bool = False
    """Run on Ray Serve (extra `ray`), on this machine or the cluster that RAY_ADDRESS names."""
    replicas: Annotated[int, Ge(1)] = 2
    """Processes that answer, each with engines of its own."""
    max_replicas: Annotated[int, Ge(1)] | None = None
    """Up to so many are started when requests wait; none: no more than replicas."""

    def __post_init__(self) -> None:
        check(self)


def deploy(options: ServeOptions, engine: EngineOptions, ray_options: RayOptions) -> Any:
    """The application for `serve.run`; each replica builds its own app."""
    from ray import serve
    from ray.serve.config import AutoscalingConfig, RequestRouterConfig

    workers = options.workers or max(1, (os.cpu_count() or 1) // ray_options.replicas)
    own = replace(options, workers=workers, model=tuple(options.model))

    def build() -> Any:
        from wordmask.doors.server.app import make_app

        return make_app(own, engine)

    @serve.ingress(build)
    class Replica:
        """One process; the app is all of it."""

    most = ray_options.max_replicas or ray_options.replicas
    autoscaling = AutoscalingConfig(
        min_replicas=ray_options.replicas,
        max_replicas=max(most, ray_options.replicas),
        initial_replicas=ray_options.replicas,
        target_ongoing_requests=2 * workers,
    )
    deployment = serve.deployment(
        Replica,
        name=NAME,
        autoscaling_config=autoscaling,
        # The app's own queue says no, with Retry-After.
        max_ongoing_requests=2 * (own.queue + workers),
        request_router_config=RequestRouterConfig(request_router_class=ROUTER),
        graceful_shutdown_timeout_s=own.stop_s,
        ray_actor_options={"num_cpus": 0},
    )
    return deployment.bind()


def serve_on_ray(options: ServeOptions, engine: EngineOptions, ray_options: RayOptions) -> None:
    """Serve until stopped."""
    try:
        import ray
        from ray import serve
    except ImportError:
        raise missing_extra("ray", "ray") from None
    ray.init(ignore_reinit_error=True, log_to_driver=False, include_dashboard=False)
    serve.start(http_options={"host": options.host, "port": options.port})
    serve.run(deploy(options, engine, ray_options), name=NAME, blocking=False)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
    serve.shutdown()
    ray.shutdown()
