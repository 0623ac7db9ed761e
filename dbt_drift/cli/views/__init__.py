"""How the outcomes of commands look: as text for people, and as JSON documents."""
