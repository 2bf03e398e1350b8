"""What a cell of a given design does: the compiled cell model behind one function."""

from afssb_opt.simulation.cells import SimulatedCell, simulate_cells
from afssb_opt.simulation.parameters import DEFAULT_PARAMETERS, CellParameters, parameter_table

__all__ = ["DEFAULT_PARAMETERS", "CellParameters", "SimulatedCell", "parameter_table", "simulate_cells"]
