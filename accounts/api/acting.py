"""The base of every view that lets somebody do something."""

from rest_framework.views import APIView

from accounts.actor import Actor, actor_from


class ActorView(APIView):
    """A view that knows who is calling."""

    @property
    def actor(self) -> Actor:
        """Return who is calling; no query."""
        return actor_from(self.request)
