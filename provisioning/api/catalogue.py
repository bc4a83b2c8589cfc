"""What can be ordered: engines, versions, plans, regions. The same for everybody."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import needs
from accounts.permissions import Permission
from dbaas.api.openapi import raises
from dbaas.core.errors import NotFound
from provisioning import selectors
from provisioning.api import examples
from provisioning.api.catalogue_serializers import (
    EnginesSerializer,
    PlansSerializer,
    RegionsSerializer,
    VersionsSerializer,
)
from provisioning.api.shapes import show_engine, show_plan, show_version
from provisioning.engines import all_engines
from provisioning.sizes import PLANS

_TAGS = ["catalogue"]


class EngineNotFound(NotFound):
    """There is no such engine: `GET engines` lists them."""

    code = "engine.not_found"


class EnginesView(APIView):
    """GET engines."""

    @extend_schema(
        operation_id="list_engines",
        summary="List engines",
        tags=_TAGS,
        responses={200: EnginesSerializer},
        examples=[examples.ENGINES],
    )
    @needs(Permission.CATALOGUE_READ)
    @raises()
    def get(self, _request: Request) -> Response:
        """List the engines with the topologies that each offers and what can be chosen in them."""
        return Response({"items": [show_engine(engine) for engine in all_engines().values()]})


class VersionsView(APIView):
    """GET engines/{name}/versions."""

    @extend_schema(
        operation_id="list_versions",
        summary="List an engine's versions",
        tags=_TAGS,
        responses={200: VersionsSerializer},
        examples=[examples.VERSIONS],
    )
    @needs(Permission.CATALOGUE_READ)
    @raises(EngineNotFound)
    def get(self, _request: Request, name: str) -> Response:
        """List the versions of one engine, the newest first."""
        engine = all_engines().get(name)
        if engine is None:
            raise EngineNotFound
        return Response({"items": [show_version(engine, version) for version in engine.versions]})


class PlansView(APIView):
    """GET plans."""

    @extend_schema(
        operation_id="list_plans",
        summary="List plans",
        tags=_TAGS,
        responses={200: PlansSerializer},
        examples=[examples.PLANS],
    )
    @needs(Permission.CATALOGUE_READ)
    @raises()
    def get(self, _request: Request) -> Response:
        """List the sizes that a node can have, the smallest first."""
        return Response({"items": [show_plan(plan) for plan in PLANS.values()]})


class RegionsView(APIView):
    """GET regions."""

    @extend_schema(
        operation_id="list_regions",
        summary="List regions",
        tags=_TAGS,
        responses={200: RegionsSerializer},
        examples=[examples.REGIONS],
    )
    @needs(Permission.CATALOGUE_READ)
    @raises()
    def get(self, _request: Request) -> Response:
        """List the regions, and which of them take new databases."""
        regions = selectors.regions()
        default = next((name for name, accepts in regions.items() if accepts), None)
        items = [
            {"name": name, "accepts_databases": accepts, "is_default": name == default}
            for name, accepts in regions.items()
        ]
        return Response({"items": items})
