"""Write the golden files anew."""

from tests.draw.golden import write

write()
