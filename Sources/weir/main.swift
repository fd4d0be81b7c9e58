import WeirCommands

runWeir()
